import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { countStatuses } from './support/answers.js';
import { tryLogin } from './support/auth.js';
import { newEmail, newPassword, signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

/** More than may wait for their turn, by far. A busy machine needs its time for them. */
const CROWD = 160;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

it('tells a crowd that signs in at once to come back, and answers the rest rightly', async () => {
  const people = await Promise.all([1, 2, 3, 4].map(() => signUp(app)));
  const crowd = Array.from({ length: CROWD }, (_, n) => {
    const person = people[n];
    return person
      ? tryLogin(app.client(), person.email, person.password)
      : tryLogin(app.client(), newEmail(), newPassword());
  });
  const bystander = people[0]?.client.get('/v1/users/me');
  const answers = await Promise.all(crowd);
  const counts = countStatuses(answers);
  expect(counts[503]).toBeGreaterThan(0);
  expect(counts[401]).toBeGreaterThan(0);
  const refused = answers.filter(({ status }) => status === 503);
  // On a starved machine some wait in vain for a connection instead; they are told so as well.
  expect(refused.map(({ body }) => body.code)).toContain('overloaded');
  for (const answer of refused) {
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  answers.forEach(({ status }, n) =>
    expect(n < people.length ? [200, 503] : [401, 503]).toContain(status),
  );
  expect((await bystander)?.status).toBe(200);
  const [first] = people;
  expect((await tryLogin(app.client(), first?.email ?? '', first?.password ?? '')).status).toBe(
    200,
  );
}, 120_000);
