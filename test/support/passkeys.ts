import { Authenticator, type Ceremony, type PasskeyAnswerBody } from './authenticator.js';
import type { Client } from './client.js';
import type { Person, Tokens } from './factories.js';
import { challengeFor } from './second-factors.js';
import type { TestApp } from './test-app.js';

export const PASSKEYS = '/v1/users/me/factors/passkeys';
export const SIGN_IN = '/v1/auth/passkey';
export const STEP_UP = '/v1/auth/reauthenticate/passkey';

export interface CreationOptions {
  challenge: string;
  rpId: string;
  expiresIn: number;
  userHandle: string;
  userName: string;
  excludeCredentialIds: string[];
}
export type RequestOptions = Pick<CreationOptions, 'challenge' | 'rpId' | 'expiresIn'>;

async function optionsAt<Options>(client: Client, path: string): Promise<Options> {
  const answer = await client.post<Options>(`${path}/options`);
  if (answer.status !== 200) throw new Error(`options answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

export const creationOptions = ({ client }: Pick<Person, 'client'>) =>
  optionsAt<CreationOptions>(client, PASSKEYS);
export const signInOptions = (app: Pick<TestApp, 'client'>) =>
  optionsAt<RequestOptions>(app.client(), SIGN_IN);
export const stepUpOptions = ({ client }: Pick<Person, 'client'>) =>
  optionsAt<RequestOptions>(client, STEP_UP);

export const sendNew = ({ client }: Pick<Person, 'client'>, made: object, name = 'Laptop') =>
  client.post<{ id: string; recoveryCodes: string[] }>(PASSKEYS, { name, ...made });

export async function addPasskey(person: Pick<Person, 'client'>, name?: string) {
  const authenticator = new Authenticator();
  const made = authenticator.create(await creationOptions(person));
  const answer = await sendNew(person, made, name);
  if (answer.status !== 201) throw new Error(`passkey answered ${answer.status}: ${answer.text}`);
  return { authenticator, ...answer.body };
}

export const sendAnswer = (client: Client, answer: PasskeyAnswerBody) =>
  client.post<Tokens & { code?: string }>(SIGN_IN, answer);

/** The whole of it, with whatever is to be wrong about it. */
export async function signInWith(
  app: Pick<TestApp, 'client'>,
  authenticator: Authenticator,
  wrong: Partial<Ceremony> = {},
) {
  return sendAnswer(app.client(), authenticator.get({ ...(await signInOptions(app)), ...wrong }));
}

export const proveByPasskey = (client: Client, challenge: string, answer: PasskeyAnswerBody) =>
  client.post<Tokens & { code?: string }>('/v1/auth/second-factor/passkey', {
    challenge,
    ...answer,
  });

/** What the routes about passkeys take from this person, each with a challenge of its own. */
export async function passkeyBody(app: TestApp, key: string, person: Person) {
  if (key === `POST ${PASSKEYS}`)
    return { name: 'Laptop', ...new Authenticator().create(await creationOptions(person)) };
  if (!key.endsWith('/passkey')) return undefined;
  const { authenticator } = await addPasskey(person);
  if (key === `POST ${SIGN_IN}`) return authenticator.get(await signInOptions(app));
  if (key === `POST ${STEP_UP}`) return authenticator.get(await stepUpOptions(person));
  const challenge = await challengeFor(app, person);
  return { challenge, ...authenticator.get({ rpId: 'localhost', challenge }) };
}
