import { afterAll, beforeAll, expect, describe, it } from '@jest/globals';
import type { Answer } from './support/client.js';
import { createAdministrator, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const ROUNDS = 8;

let first: TestApp;
let second: TestApp;

beforeAll(async () => {
  first = await startApp();
  second = await startApp({ database: first.database });
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const countAdministrators = async () =>
  (await first.database.query(`SELECT FROM users WHERE role = 'admin' AND disabled_at IS NULL`))
    .length;

type Attack = (by: Person, on: Person) => Promise<Answer>;
const demote: Attack = (by, on) => by.client.put(`/v1/users/${on.id}/role`, { role: 'user' });
const disable: Attack = (by, on) => by.client.post(`/v1/users/${on.id}/disable`);
const leave: Attack = (by) => by.client.delete('/v1/users/me', { currentPassword: by.password });
const stepDown: Attack = (by) => demote(by, by);

describe('two administrators at the same instant, on two instances', () => {
  it.each([
    ['demote each other', demote, demote],
    ['disable each other', disable, disable],
    ['both leave', leave, leave],
    ['both step down', stepDown, stepDown],
    ['disable the one who leaves', disable, leave],
  ])('never leave none when they %s', async (_what, hers, his) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await first.database.query('DELETE FROM users');
      const [ann, ben] = await Promise.all([
        createAdministrator(first),
        createAdministrator(second),
      ]);
      const answers = await Promise.all([hers(ann, ben), his(ben, ann)]);
      expect(await countAdministrators()).toBe(1);
      const statuses = answers.map(({ status }) => status);
      expect(Math.min(...statuses)).toBeLessThan(300);
      expect(Math.max(...statuses)).toBeLessThan(500);
    }
  });
});
