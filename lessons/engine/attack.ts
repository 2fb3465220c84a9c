// npm run attack -- <attack> [--without <control>] [--target URL --accounts FILE]: one attack, on one
// instance. Exits with 1 when there is loot. On a target it acts as the people of the file: a list of
// {"email", "password"} of accounts that were made for it.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startTestServer } from '../../test/support/test-server.js';
import { startInstance } from './instance.js';
import type { Attack, Change } from './lesson.js';
import { attacksOf, controlsOf, loadLessons } from './registry.js';
import { Target, type Account } from './target.js';
import { command, paint, say } from './terminal.js';
import { renderTrace } from './trace.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    without: { type: 'string', multiple: true },
    target: { type: 'string' },
    accounts: { type: 'string' },
  },
});

async function main(): Promise<void> {
  const lessons = await loadLessons();
  const [wanted] = positionals;
  const attack = attacksOf(lessons).find(({ id }) => id === wanted);
  if (!wanted) {
    for (const { id, title } of attacksOf(lessons)) say(`${id.padEnd(32)} ${title}`);
    return;
  }
  if (!attack) throw new Error(`There is no attack ${wanted}: npm run attack lists them`);
  if (values.target && values.without)
    throw new Error('--without takes a control out of an instance of the lab, not of a --target');
  if (values.target) return report(attack, outside(values.target.replace(/\/$/, '')));
  const removals = (values.without ?? []).map((id) => {
    const control = controlsOf(lessons).find((candidate) => candidate.id === id);
    if (!control) throw new Error(`There is no control ${id}`);
    return control.removal;
  });
  await inTheLab(attack, removals);
}

function outside(url: string): Target {
  const { accounts } = values;
  const list = accounts ? (JSON.parse(readFileSync(accounts, 'utf8')) as Account[]) : [];
  return new Target(url, undefined, list);
}

async function inTheLab(attack: Attack, removals: Change[]): Promise<void> {
  const stop = await startTestServer();
  try {
    const instance = await startInstance([
      ...removals,
      ...(attack.scenario ? [attack.scenario] : []),
    ]);
    try {
      await report(attack, new Target(instance.url, instance));
    } finally {
      await instance.stop();
    }
  } finally {
    await stop();
  }
}

async function report(attack: Attack, target: Target): Promise<void> {
  const loot = await attack.run(target);
  say(renderTrace(target.trace, 4));
  say(loot ? paint('red', `\nLoot: ${loot}`) : paint('green', '\nNothing.'));
  if (loot) process.exitCode = 1;
}

await command(main);
