import { Secret, TOTP } from 'otpauth';
import { login, type Person, type Tokens } from './factories.js';
import type { Client } from './client.js';
import type { TestApp } from './test-app.js';

export const FACTORS = '/v1/users/me/factors';
export const CODES = '/v1/users/me/recovery-codes';
const STEP_MS = 30_000;

type Running = Pick<TestApp, 'client' | 'database'>;

export interface Enrolment {
  id: string;
  name: string;
  secret: string;
  uri: string;
  qrCode: string;
}

/** What an authenticator app shows, or showed so many steps ago. */
export const totpCode = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({
    timestamp: Date.now() + steps * STEP_MS,
  });

/** A code that is not of now, of before or of next. */
export function wrongCode(secret: string): string {
  const near = new Set([-2, -1, 0, 1, 2].map((steps) => totpCode(secret, steps)));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find(
    (code) => !near.has(code),
  ) as string;
}

export async function enrolTotp({ client }: Pick<Person, 'client'>, name = 'Phone') {
  const answer = await client.post<Enrolment>(`${FACTORS}/totp`, { name });
  if (answer.status !== 201) throw new Error(`enrolment answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

export const confirmFactor = ({ client }: Pick<Person, 'client'>, id: string, code: string) =>
  client.post<{ recoveryCodes: string[] }>(`${FACTORS}/${id}/confirm`, { code });

/** Time passes: the steps of the codes that were used lie behind. */
export const passTime = ({ database }: Running, { id }: Pick<Person, 'id'>) =>
  database.query(
    `UPDATE totp_secrets SET last_step = 0
     WHERE factor_id IN (SELECT id FROM factors WHERE user_id = $1)`,
    [id],
  );

/** An authenticator app that has been in use for a while. */
export async function addTotp(app: Running, person: Person, name?: string) {
  const { id, secret } = await enrolTotp(person, name);
  const answer = await confirmFactor(person, id, totpCode(secret));
  if (answer.status !== 200) throw new Error(`confirmation: ${answer.status}: ${answer.text}`);
  await passTime(app, person);
  return { id, secret, recoveryCodes: answer.body.recoveryCodes };
}

/** What a route about factors needs of this person before it serves anybody. */
export async function setFactor(app: TestApp, key: string, owner: Person) {
  if (key.endsWith('/confirm')) {
    const { id, secret } = await enrolTotp(owner);
    return { factorId: id, code: totpCode(secret) };
  }
  const needed = key.endsWith('/:factorId') || key.endsWith('/recovery-codes');
  return needed ? { factorId: (await addTotp(app, owner)).id } : {};
}

/** What somebody with the right password and an authenticator app answers. */
export async function answerFor(app: TestApp, person: Person) {
  const { secret } = await addTotp(app, person);
  return { challenge: await challengeFor(app, person), code: totpCode(secret) };
}

interface Challenged {
  code: string;
  challenge?: { token: string; expiresIn: number; factors: string[] };
}

/** What the right password of such an account is answered. */
export const demand = (client: Client, { email, password }: Pick<Person, 'email' | 'password'>) =>
  client.post<Challenged>('/v1/auth/login', { email, password });

export async function challengeFor(app: Pick<TestApp, 'client'>, person: Person): Promise<string> {
  const answer = await demand(app.client(), person);
  const token = answer.body.challenge?.token;
  if (!token) throw new Error(`login answered ${answer.status}: ${answer.text}`);
  return token;
}

export const prove = (client: Client, challenge: string, code: string) =>
  client.post<Tokens & { code?: string }>('/v1/auth/second-factor', { challenge, code });

/** The session that somebody proved itself this long ago, as its next access token says. */
export async function ageSession(app: TestApp, person: Person, seconds: number): Promise<Person> {
  await app.database.query(
    `UPDATE sessions SET authenticated_at = now() - $2 * interval '1 second' WHERE user_id = $1`,
    [person.id, seconds],
  );
  const { body } = await app
    .client()
    .post<Tokens>('/v1/auth/refresh', { refreshToken: person.tokens.refreshToken });
  return { ...person, tokens: body, client: app.client().withToken(body.accessToken) };
}

export const signInWithCode = async (app: TestApp, person: Person, code: string) => {
  const { status, body } = await prove(app.client(), await challengeFor(app, person), code);
  if (status !== 200) throw new Error(`second factor answered ${status}`);
  return { ...person, tokens: body, client: app.client().withToken(body.accessToken) };
};

export const canSignInWith = async (app: TestApp, { email }: Person, password: string) => {
  try {
    return Boolean(await login(app.client(), email, password));
  } catch {
    return false;
  }
};
