import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createResource, share, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let ada: Person;
let eve: Person;

beforeAll(async () => {
  app = await startApp();
  [ada, eve] = await Promise.all([signUp(app), signUp(app)]);
});
afterAll(() => app.close());

describe('GET /v1/resources/:id', () => {
  it('gives the owner the whole resource and its ETag', async () => {
    const created = await createResource(ada, { labels: ['a'] });
    const answer = await ada.client.get(`/v1/resources/${created.id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(created);
    expect(answer.headers.get('etag')).toBe('"1"');
  });

  it("answers another's resource exactly as one that does not exist", async () => {
    const { id } = await createResource(ada);
    const foreign = await eve.client.get(`/v1/resources/${id}`);
    const missing = await eve.client.get(`/v1/resources/${crypto.randomUUID()}`);
    const bare = (text: string) => text.replace(/"requestId":"[0-9a-f]{32}"/, '');
    expect(foreign.status).toBe(404);
    expect(bare(foreign.text)).toBe(bare(missing.text));
  });

  it('gives a reader what was shared, until the share ends', async () => {
    const { id } = await createResource(ada);
    await share(ada, id, eve, 'read');
    expect((await eve.client.get(`/v1/resources/${id}`)).status).toBe(200);
    await ada.client.delete(`/v1/resources/${id}/shares/${eve.id}`);
    expect((await eve.client.get(`/v1/resources/${id}`)).status).toBe(404);
  });
});
