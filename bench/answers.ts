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

/** Fast and wrong is not fast: both servers must say the same, and the app must still say no. */
export async function checkAnswers({ app, bare, owners }: Stage): Promise<void> {
  for (const owner of owners.slice(0, SAMPLES)) {
    const read = READ.next(owner);
    const mine = await ask(app, read);
    strictEqual(mine.status, 200);
    deepStrictEqual(mine, await ask(bare, read));
    const { items } = (await ask(app, LIST.next(owner))).body;
    strictEqual((items as unknown[]).length, 20);
    deepStrictEqual(items, (await ask(bare, LIST.next(owner))).body['items']);
  }
  const [first, second] = owners as [Owner, Owner];
  const foreign = { ...READ.next(first), path: READ.next(second).path };
  strictEqual((await ask(app, foreign)).status, 404);
}
