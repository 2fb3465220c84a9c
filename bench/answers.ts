import { deepStrictEqual, strictEqual } from 'node:assert';
import type { Owner } from './dataset.js';
import type { Call } from './load.js';
import { LIST, READ } from './scenarios.js';
import type { Server } from './servers.js';
import type { Stage } from './stage.js';

const SAMPLES = 20;

async function ask({ url }: Server, { method, path, headers }: Call) {
  const answer = await fetch(url + path, { method, headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Fast and wrong is not fast: all servers must say the same, and the app must still say no. */
export async function checkAnswers({ app, bare, framework, owners }: Stage): Promise<void> {
  for (const owner of owners.slice(0, SAMPLES)) {
    const [read, list] = [READ.next(owner), LIST.next(owner)];
    const mine = await ask(app, read);
    strictEqual(mine.status, 200);
    const { items } = (await ask(app, list)).body;
    strictEqual((items as unknown[]).length, 20);
    for (const other of [bare, framework]) {
      deepStrictEqual(await ask(other, read), mine);
      deepStrictEqual((await ask(other, list)).body['items'], items);
    }
  }
  const [first, second] = owners as [Owner, Owner];
  const foreign = { ...READ.next(first), path: READ.next(second).path };
  strictEqual((await ask(app, foreign)).status, 404);
}
