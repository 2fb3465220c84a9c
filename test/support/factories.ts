import { randomBytes } from 'node:crypto';
import { PasswordHasher } from '../../src/auth/password-hasher.js';
import type { Role } from '../../src/access/actor.js';
import { CredentialsService } from '../../src/users/credentials.service.js';
import { acrossOwners } from '../../src/database/acting.js';
import { DataSource } from 'typeorm';
import type { Client } from './client.js';
import { mailedToken } from './mailed-links.js';
import type { TestApp } from './test-app.js';

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  tokenType: string;
  expiresIn: number;
}

/** Somebody with an account, signed in. */
export interface Person {
  id: string;
  email: string;
  password: string;
  tokens: Tokens;
  /** Carries the access token. */
  client: Client;
}

const unique = () => randomBytes(6).toString('hex');
export const newEmail = () => `user-${unique()}@example.com`;
export const newPassword = () => `plum orchid ${unique()}`;

export async function login(client: Client, email: string, password: string): Promise<Tokens> {
  const answer = await client.post<Tokens>('/v1/auth/login', { email, password });
  if (answer.status !== 200) throw new Error(`login answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

/** Has an account, and signs in through the API. */
export const signUp = (app: TestApp) => createPerson(app, 'user');

/** As `npm run admin:create` does it: there is no other way. */
export const createAdministrator = (app: TestApp) => createPerson(app, 'admin');

/** By the service that makes every account: to wait for each mail would take a second. */
async function createPerson({ app, client }: TestApp, role: Role): Promise<Person> {
  const credentials = { email: newEmail(), password: newPassword() };
  const passwordHash = await app.get(PasswordHasher).hash(credentials.password);
  const user = { email: credentials.email, displayName: '', passwordHash, role };
  await acrossOwners(() => app.get(CredentialsService).create(app.get(DataSource).manager, user));
  return signIn(client(), credentials);
}

interface Newcomer {
  email: string;
  password: string;
  displayName?: string;
}

/** Signs up through the API, and opens the link of the mail. */
export async function register(
  { client, database }: Pick<TestApp, 'client' | 'database'>,
  newcomer: Newcomer,
): Promise<void> {
  const answer = await client().post('/v1/auth/register', newcomer);
  if (answer.status !== 202) throw new Error(`register answered ${answer.status}: ${answer.text}`);
  const { email, password } = newcomer;
  const token = await mailedToken(database, email.trim().toLowerCase());
  const verified = await client().post('/v1/auth/verify-address', { token, password });
  if (verified.status !== 204) throw new Error(`verify answered ${verified.status}`);
}

/** All of it as a stranger does it, where nobody can ask the services. */
export async function signUpByMail(app: Pick<TestApp, 'client' | 'database'>): Promise<Person> {
  const credentials = { email: newEmail(), password: newPassword() };
  await register(app, credentials);
  return signIn(app.client(), credentials);
}

async function signIn(
  client: Client,
  credentials: { email: string; password: string },
): Promise<Person> {
  const tokens = await login(client, credentials.email, credentials.password);
  const authorized = client.withToken(tokens.accessToken);
  const { body } = await authorized.get<{ id: string }>('/v1/users/me');
  return { ...credentials, id: body.id, tokens, client: authorized };
}

export interface ResourceBody {
  id: string;
  ownerId: string;
  title: string;
  content: string;
  labels: string[];
  version: number;
  createdAt: string;
  updatedAt: string;
}

export async function createResource(
  person: Person,
  fields: Partial<ResourceBody> = {},
): Promise<ResourceBody> {
  const body = { title: `Title ${unique()}`, content: `Content ${unique()}`, ...fields };
  const answer = await person.client.post<ResourceBody>('/v1/resources', body);
  if (answer.status !== 201) throw new Error(`create answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

export async function share(
  owner: Person,
  resourceId: string,
  other: Person,
  permission: 'read' | 'write',
) {
  const path = `/v1/resources/${resourceId}/shares/${other.id}`;
  const answer = await owner.client.put(path, { permission });
  if (answer.status !== 200) throw new Error(`share answered ${answer.status}: ${answer.text}`);
}
