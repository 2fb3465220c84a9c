import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REFUSALS_A_MINUTE } from '../src/audit/security-log.js';
import { expectProblem } from './support/answers.js';
import {
  createResource,
  signUpByMail,
  type Person,
  type ResourceBody,
} from './support/factories.js';
import { PATIENCE_MS, spawnApp, type SpawnedApp } from './support/spawned-app.js';
import { until } from './support/waiting.js';

let app: SpawnedApp;
let ada: Person;
let damaged: ResourceBody;
let sound: ResourceBody;

beforeAll(async () => {
  app = await spawnApp();
  ada = await signUpByMail(app);
  [damaged, sound] = [await createResource(ada), await createResource(ada)];
  // One bit, as somebody turns it who writes to the database.
  await app.database.query(
    `UPDATE resources SET content = set_bit(content, 8 * octet_length(content) - 9,
       1 - get_bit(content, 8 * octet_length(content) - 9)) WHERE id = $1`,
    [damaged.id],
  );
}, PATIENCE_MS);
afterAll(() => app.close());

const read = ({ id }: ResourceBody) => ada.client.get<ResourceBody>(`/v1/resources/${id}`);
const recorded = () =>
  app.database.query(
    `SELECT outcome, actor_id AS "actorId", host(ip) AS ip, request_id AS "requestId", facts
     FROM audit_events WHERE event = 'data_integrity_fail'`,
  );

describe('a sealed value that somebody changed', () => {
  it('is an error that says nothing, and an event with its place in the log and in its row', async () => {
    const answer = await read(damaged);
    expectProblem(answer, 500, 'internal_error');
    for (const word of ['content', 'seal', 'open', damaged.content, damaged.id])
      expect(answer.text.replace(`/v1/resources/${damaged.id}`, '')).not.toContain(word);
    expect((await read(sound)).body).toEqual(sound);

    const requestId = answer.headers.get('x-request-id');
    const place = { table: 'resources', column: 'content', row: damaged.id };
    expect(await app.logged(({ event }) => event === 'data_integrity_fail')).toMatchObject({
      level: 'error',
      requestId,
      ...place,
    });
    await until(async () => (await recorded()).length > 0, 'a row');
    expect(await recorded()).toEqual([
      { outcome: 'failure', actorId: ada.id, ip: ada.client.ip, requestId, facts: place },
    ]);
  });

  it('has its row whatever its source was refused before, and fills no disk either', async () => {
    for (let n = 0; n <= REFUSALS_A_MINUTE; n += 1) await ada.client.get('/v1/users');
    await read(damaged);
    await until(async () => (await recorded()).length > 1, 'another row');
    for (let n = 0; n < 2 * REFUSALS_A_MINUTE; n += 1) await read(damaged);
    await until(async () => (await recorded()).length >= REFUSALS_A_MINUTE, 'many rows');
    expect((await recorded()).length).toBeLessThan(2 * REFUSALS_A_MINUTE);
  });
});
