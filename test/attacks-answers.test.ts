import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createResource } from './support/factories.js';
import { expectProblem } from './support/problems.js';
import { exchange } from './support/raw-http.js';
import { setStage, type Stage } from './support/stage.js';

let app: Stage['app'];
let as: Stage['as'];
let ada: Stage['ada'];

beforeAll(async () => {
  ({ app, as, ada } = await setStage());
});
afterAll(() => app.close());

describe('an answer', () => {
  const PAYLOAD = '<script>alert(1)</script>';

  // By value: elsewhere they are compared with the very table that sets them.
  it('has its protective headers, whatever it answers and whatever is asked for', async () => {
    const away = {
      'x-no-headers': '1',
      'x-security-headers': 'off',
      'content-security-policy': '',
    };
    const malformed = await exchange(app.url, 'GET /v1/health /live HTTP/1.1\r\n\r\n');
    const answers = [
      await as(ada).get('/v1/users/me', away),
      await app.client().get('/v1/users/me', away),
      await app.client().get('/v1/nowhere', away),
      await app.client().get('/v1/health/live?headers=off'),
      await app.client().post('/v1/health/live'),
      await app.client().send('OPTIONS', '/v1/resources'),
      ...malformed.answers,
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 404, 400, 405, 405, 400]);
    for (const { headers } of answers) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': expect.stringMatching(
          /default-src 'none'.*frame-ancestors 'none'/,
        ),
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'strict-transport-security': expect.stringMatching(/^max-age=\d{8,}; includeSubDomains/),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
    }
  });

  it.each(['text/html', 'application/javascript', 'application/xml;q=1, */*;q=0'])(
    'is JSON for who would rather have %s',
    async (accept) => {
      const { id } = await createResource(ada, { title: PAYLOAD });
      const { status, body, headers } = await as(ada).get(`/v1/resources/${id}`, { accept });
      expect([status, body['title']]).toEqual([200, PAYLOAD]);
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
      const reflected = await as(ada).get(`/v1/${encodeURIComponent(PAYLOAD)}`, { accept });
      expectProblem(reflected, 'not_found');
      expect(reflected.text).not.toContain('script');
    },
  );

  it('is no script for who names a callback', async () => {
    for (const name of ['callback', 'jsonp', 'cb', '_callback'])
      for (const path of ['/v1/resources', '/v1/users/me', '/v1/health/live']) {
        const answer = await as(ada).get(`${path}?${name}=steal`);
        expectProblem(answer, 'validation_failed');
        expect(answer.text).not.toContain('steal');
      }
  });
});
