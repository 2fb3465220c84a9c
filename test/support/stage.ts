import { createCast, type Cast } from './cast.js';
import type { Client } from './client.js';
import type { Person } from './factories.js';
import { startApp, type TestApp } from './test-app.js';

export interface Stage {
  app: TestApp;
  createPerson: Cast;
  ada: Person;
  eve: Person;
  admin: Person;
  /** From another address each time, so that no budget ends the test. */
  as: (person: Person) => Client;
}

/** A running instance, on which Eve goes after what is Ada's or the administrator's. */
export async function setStage(): Promise<Stage> {
  const app = await startApp();
  const createPerson = await createCast(app);
  const [ada, eve, admin] = await Promise.all([
    createPerson('user'),
    createPerson('user'),
    createPerson('admin'),
  ]);
  const as = ({ tokens }: Person) => app.client().withToken(tokens.accessToken);
  return { app, createPerson, ada, eve, admin, as };
}
