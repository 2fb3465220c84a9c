import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Role } from '../src/access/actor.js';
import { createCast } from './support/cast.js';
import { createResource, share, type Person } from './support/factories.js';
import { fillPath, fingerprint, inventoryOf, type Route } from './support/inventory.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let routes: Route[];
let people: Record<Role, Person>;
let resources: Record<Role, string>;

/** Both have a resource that is shared with the other, so that no list is empty. */
beforeAll(async () => {
  app = await startApp();
  routes = inventoryOf(app).filter(({ method }) => method === 'GET');
  const createPerson = await createCast(app);
  const [user, admin] = [await createPerson('user'), await createPerson('admin')];
  people = { user, admin };
  resources = { user: (await createResource(user)).id, admin: (await createResource(admin)).id };
  await share(user, resources.user, admin, 'write');
  await share(admin, resources.admin, user, 'write');
});
afterAll(() => app.close());

/** Everybody asks for what is his own; an administrator of users asks for the other's profile. */
function pathFor(route: Route, role: Role): string {
  const isOfUsers = route.path.startsWith('/v1/users');
  return fillPath(route, { id: isOfUsers ? people.user.id : resources[role] });
}

describe.each<Role>(['user', 'admin'])('reading as %s', (role) => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('by %s changes no row of any table', async (method) => {
    expect(routes.length).toBeGreaterThan(8);
    for (const route of routes) {
      const before = await fingerprint(app.database);
      const { status } = await people[role].client.send(method, pathFor(route, role));
      expect([route.key, await fingerprint(app.database)]).toEqual([route.key, before]);
      const isServed = route.callers === 'anybody' || route.callers.includes(role);
      const done = isServed ? route.answer?.status : 403;
      expect([route.key, status]).toEqual([route.key, method === 'OPTIONS' ? 405 : done]);
    }
  });
});
