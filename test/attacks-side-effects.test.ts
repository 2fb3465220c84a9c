import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openCanary, type Canary } from './support/canary.js';
import { createResource, newEmail, newPassword } from './support/factories.js';
import { fingerprint } from './support/inventory.js';
import { mailedToken } from './support/mailed-links.js';
import { expectProblem } from './support/problems.js';
import { setStage, type Stage } from './support/stage.js';

let app: Stage['app'];
let as: Stage['as'];
let createPerson: Stage['createPerson'];
let eve: Stage['eve'];

beforeAll(async () => {
  ({ app, as, createPerson, eve } = await setStage());
});
afterAll(() => app.close());

const query = (values: Record<string, string>) => new URLSearchParams(values).toString();

describe('a text that somebody else would follow or run', () => {
  let canary: Canary;
  beforeEach(async () => {
    canary = await openCanary();
  });
  afterEach(() => canary.close());

  /** `URL`, `PORT` and `MARK` are the canary's. */
  const kinds = {
    'an address on this machine, in every spelling': [
      ...['URL', '//127.0.0.1:PORT/', 'http://localhost:PORT/', 'http://2130706433:PORT/'],
      ...['http://0x7f.1:PORT/', 'http://0177.0.0.1:PORT/', 'http://[::ffff:127.0.0.1]:PORT/'],
      ...['http://api.example.com@127.0.0.1:PORT/', 'http://127.0.0.1:PORT/?.example.com'],
    ],
    'an address of another kind': [
      ...['file:///etc/passwd', '../../../../etc/passwd', 'data:text/html,<script>1</script>'],
      ...['gopher://127.0.0.1:PORT/_x', 'ldap://127.0.0.1:PORT/a'],
    ],
    'a document that names one': [
      ...['${jndi:URL}', '<img src="URL">', '<?php include "URL"; ?>'],
      '<!DOCTYPE x [<!ENTITY e SYSTEM "URL">]><x>&e;</x>',
    ],
    'a command': [
      ...['; touch MARK', '| touch MARK', '&& touch MARK', 'x\ntouch MARK'],
      ...['$(touch MARK)', '`touch MARK`'],
    ],
    'a program': [
      "require('fs').writeFileSync('MARK', '')",
      "_$$ND_FUNC$$_function(){require('fs').writeFileSync('MARK', '')}()",
      "${process.getBuiltinModule('fs').writeFileSync('MARK', '')}",
      '{{constructor.constructor("return process")().exit(1)}}',
      '(function () { while (true); })()',
    ],
  };

  it.each(Object.entries(kinds))(
    'stays a text, also when it comes back: %s',
    async (_what, texts) => {
      const person = await createPerson('user');
      for (const template of texts) {
        const { url, port, mark } = canary;
        const text = template.replace('URL', url).replace('PORT', `${port}`).replace('MARK', mark);
        const { id } = await createResource(person, { title: text, content: text });
        const sent = text.includes('\n') ? 'none' : text;
        const headers = { referer: sent, 'x-forwarded-host': sent };
        const { status, body } = await as(person).get(`/v1/resources/${id}`, headers);
        expect([status, body['title'], body['content']]).toEqual([200, text, text]);
        for (const name of ['title', 'label', 'cursor'])
          await as(person).get(`/v1/resources?${query({ [name]: text })}`);
        await as(person).patch('/v1/users/me', { displayName: text });
      }
      await canary.expectSilence();
    },
  );

  it('is refused as a field or a parameter that a server would follow', async () => {
    const before = await fingerprint(app.database);
    const names = ['url', 'imageUrl', 'callbackUrl', 'webhook', 'redirect', 'template', 'layout'];
    for (const name of names) {
      const body = { title: 'x', content: '', [name]: canary.url };
      expectProblem(await as(eve).post('/v1/resources', body), 'validation_failed');
      const path = `/v1/resources?${query({ [name]: canary.url })}`;
      expectProblem(await as(eve).get(path), 'validation_failed');
    }
    await canary.expectSilence();
    expect(await fingerprint(app.database)).toBe(before);
  });
});

describe('headers that claim an address', () => {
  it('are kept nowhere, whatever they hold', async () => {
    const canary = `<script>${crypto.randomUUID()}</script>`;
    const names = ['true-client-ip', 'x-real-ip', 'x-client-ip', 'cf-connecting-ip', 'forwarded'];
    const headers = Object.fromEntries(names.map((name) => [name, canary]));
    const credentials = { email: newEmail(), password: newPassword() };
    const client = app.client();
    await client.post('/v1/auth/register', credentials, headers);
    const token = await mailedToken(app.database, credentials.email);
    const { password } = credentials;
    await client.post('/v1/auth/verify-address', { token, password }, headers);
    const signedIn = await client.post('/v1/auth/login', credentials, headers);
    const person = client.withToken(String(signedIn.body['accessToken']));
    const created = await person.post('/v1/resources', { title: 'x', content: '' }, headers);
    const refused = await person.get('/v1/users', headers);
    expect([created.status, refused.status]).toEqual([201, 403]);
    for (const answer of [created, refused])
      expect(answer.text + JSON.stringify([...answer.headers])).not.toContain(canary);
    const tables = await app.database.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const rows = await Promise.all(
      tables.map(({ name }) => app.database.query(`SELECT t::text FROM ${name} t`)),
    );
    expect(JSON.stringify(rows)).toContain(created.body['id']);
    expect(JSON.stringify(rows)).not.toContain(canary);
  });
});
