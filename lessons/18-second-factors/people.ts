import { setTimeout as sleep } from 'node:timers/promises';
import { totpCode } from '../../test/support/second-factors.js';
import type { Person, Target, TracingClient } from '../engine/target.js';

const STEP_MS = 30_000;
/** An attack with codes takes less than this. */
const ATTACK_MS = 6_000;

export interface Tokens {
  accessToken?: string;
  refreshToken?: string;
  code?: string;
}

export interface Enrolment {
  id: string;
  secret: string;
}

export interface Protected extends Person {
  factorId: string;
  secret: string;
  recoveryCodes: string[];
}

/** So that what is the code of now when the attack begins still is when it ends. */
export async function calmStep(): Promise<void> {
  const left = STEP_MS - (Date.now() % STEP_MS);
  if (left < ATTACK_MS) await sleep(left);
}

/** Adds an authenticator app, with the code before the one of now: that one is still good. */
export async function enrol(client: TracingClient, name = 'Phone') {
  await calmStep();
  const { body } = await client.post<Partial<Enrolment>>('/v1/users/me/factors/totp', { name });
  const { id = '', secret = '' } = body;
  if (!secret) return undefined;
  const path = `/v1/users/me/factors/${id}/confirm`;
  const confirmed = await client.post<{ recoveryCodes?: string[] }>(path, {
    code: totpCode(secret, -1),
  });
  if (confirmed.status !== 200) return undefined;
  return { factorId: id, secret, recoveryCodes: confirmed.body.recoveryCodes ?? [] };
}

/** Somebody with an authenticator app. The trace leaves out how she got it. */
export async function withTotp(target: Target, name: string): Promise<Protected> {
  const person = await target.person(name);
  const mark = target.trace.length;
  const factor = await enrol(person.client);
  if (!factor) throw new Error('an authenticator app could not be added');
  target.trace.length = mark;
  return { ...person, ...factor };
}

/** The password is known: it was leaked, or phished along with the code. */
export async function challengeOf(target: Target, who: string, person: Person): Promise<string> {
  const { email, password } = person;
  const { body } = await target
    .stranger(who)
    .post<{ challenge?: { token: string } }>('/v1/auth/login', { email, password });
  return body.challenge?.token ?? '';
}

export async function answer(
  target: Target,
  who: string,
  challenge: string,
  code: string,
): Promise<Tokens> {
  const client = target.stranger(who);
  return (await client.post<Tokens>('/v1/auth/second-factor', { challenge, code })).body;
}

export const opens = async (target: Target, { email }: Person, accessToken = '') => {
  if (!accessToken) return false;
  const client = target.stranger('eve').withToken(accessToken);
  return (await client.get<{ email?: string }>('/v1/users/me')).body.email === email;
};

/** With the password and a code, as it arrived on the attacker's screen. */
export async function signIn(target: Target, who: string, person: Person, code: string) {
  return answer(target, who, await challengeOf(target, who, person), code);
}

/** What Ada does at her own desk is not part of the attack. */
export async function adaSignsIn(target: Target, ada: Protected, code: string): Promise<void> {
  const mark = target.trace.length;
  await signIn(target, 'ada', ada, code);
  target.trace.length = mark;
}
