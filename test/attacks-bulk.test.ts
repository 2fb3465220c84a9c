import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RATE_LIMITS } from '../src/http/rate-limit.js';
import { countStatuses } from './support/answers.js';
import { createResource, newPassword } from './support/factories.js';
import { fingerprint } from './support/inventory.js';
import { expectProblem } from './support/problems.js';
import { setStage, type Stage } from './support/stage.js';

let app: Stage['app'];
let as: Stage['as'];
let createPerson: Stage['createPerson'];
let ada: Stage['ada'];
let eve: Stage['eve'];

beforeAll(async () => {
  ({ app, as, createPerson, ada, eve } = await setStage());
});
afterAll(() => app.close());

describe('a text at its longest', () => {
  const LIMIT_MS = 100;
  const TRIES = 3;
  const post = (path: string, email: string) =>
    app.client().post(path, { email, password: newPassword() });
  const me = (name: string, value: string) => as(ada).get('/v1/users/me', { [name]: value });

  const emails = [
    ...[`${'a.'.repeat(120)}@`, `a@${'a-'.repeat(120)}`, `${'a'.repeat(60)}@${'a.'.repeat(95)}!`],
    ...[`"${'\\a'.repeat(30)}@${'a.'.repeat(90)}`, `${'<'.repeat(100)}@${'>'.repeat(100)}`],
    ...[`${'\ufdfa'.repeat(13)}@`, `a@${'a.'.repeat(45_000)}`, `a@${' '.repeat(90_000)}a`],
    // Combining marks in the wrong order: to sort them takes the square of their number.
    `a${'\u0315'.repeat(20_000)}${'\u0300'.repeat(20_000)}@b.com`,
  ];
  const wildcards = ['%'.repeat(100), '\\'.repeat(100), '_%'.repeat(50)];
  type Send = () => Promise<{ status: number }>;
  const inputs: [string, number, Send[]][] = [
    ['an e-mail address', 400, emails.map((email) => () => post('/v1/auth/login', email))],
    [
      'the address of a new account',
      400,
      emails.map((email) => () => post('/v1/auth/register', email)),
    ],
    [
      'a filter',
      200,
      wildcards.map(
        (title) => () => as(ada).get(`/v1/resources?${new URLSearchParams({ title }).toString()}`),
      ),
    ],
    [
      'a token',
      401,
      [`Bearer ${'a='.repeat(6_000)}`, `Bearer${' '.repeat(12_000)}x`].map(
        (token) => () => app.client().get('/v1/users/me', { authorization: token }),
      ),
    ],
    [
      'other headers',
      200,
      [
        () => me('traceparent', `00-${'0'.repeat(12_000)}`),
        () => me('content-type', `application/json${' '.repeat(12_000)};`),
      ],
    ],
  ];
  /** The fastest of some tries: a busy machine only adds. */
  async function fastest(send: Send, status: number): Promise<number> {
    const times: number[] = [];
    for (let n = 0; n < TRIES; n += 1) {
      const start = performance.now();
      expect((await send()).status).toBe(status);
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  }

  it.each(inputs)('keeps no pattern busy as %s', async (_where, status, sends) => {
    await createResource(ada, { title: `${'_%\\'.repeat(66)}x` });
    for (const send of sends) expect(await fastest(send, status)).toBeLessThan(LIMIT_MS);
  });
});

describe('GET /v1/resources/:id', () => {
  it('has one budget for one user, from however many addresses he downloads', async () => {
    const person = await createPerson('user');
    const { id } = await createResource(person);
    const { perUser } = RATE_LIMITS.read;
    const downloads = Array.from({ length: 2 * perUser }, () =>
      as(person).get(`/v1/resources/${id}`),
    );
    const { 200: passed = 0, 429: refused = 0 } = countStatuses(await Promise.all(downloads));
    expect(passed + refused).toBe(2 * perUser);
    expect(passed).toBeGreaterThanOrEqual(perUser);
    expect(passed).toBeLessThan(2 * perUser);
  });
});

describe('DELETE /v1/resources', () => {
  it('deletes nothing for who lists several ids, of which some are another’s', async () => {
    const ids = [(await createResource(eve)).id, (await createResource(ada)).id];
    const [own, foreign] = ids;
    const before = await fingerprint(app.database);
    expectProblem(await as(eve).delete('/v1/resources', { ids }), 'method_not_allowed');
    const attempts: [string, object?][] = [
      [ids.join(',')],
      ['*'],
      [`${own}?id=${foreign}`],
      [`${own}?ids[]=${foreign}`],
      [`${own}`, { ids }],
      [`${own}`, ids],
    ];
    for (const [end, body] of attempts)
      expectProblem(await as(eve).delete(`/v1/resources/${end}`, body), 'validation_failed');
    expect(await fingerprint(app.database)).toBe(before);
  });
});
