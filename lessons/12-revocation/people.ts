import type { Person, Target } from '../engine/target.js';

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

/** The same person on another device: a session of its own. */
export async function signInAgain(target: Target, person: Person): Promise<Person> {
  const mark = target.trace.length;
  const { email, password, name } = person;
  const client = target.stranger(name);
  const { body } = await client.post<Partial<Tokens>>('/v1/auth/login', { email, password });
  const { accessToken = '', refreshToken = '' } = body;
  target.trace.length = mark;
  return { ...person, accessToken, refreshToken, client: client.withToken(accessToken) };
}

/** Made in the database: over HTTP nobody makes the first one. */
export async function administrator(target: Target, name: string): Promise<Person> {
  const person = await target.person(name);
  const { database } = target.lab;
  await database.query(`UPDATE users SET role = 'admin' WHERE id = $1`, [person.id]);
  return signInAgain(target, person);
}

const roots = new WeakMap<object, Promise<Person>>();

/** Signs in once an instance: what these attacks need is what she does to others. */
export async function root(target: Target): Promise<Person> {
  const { accessToken, ...person } = await (roots.get(target.lab) ?? makeRoot(target));
  return { ...person, accessToken, client: target.stranger('root').withToken(accessToken) };
}

function makeRoot(target: Target): Promise<Person> {
  const made = administrator(target, 'root');
  roots.set(target.lab, made);
  return made;
}

/** Whether a token that somebody else holds still opens the profile. */
export async function opensProfile(
  target: Target,
  { email }: Person,
  token: string,
): Promise<boolean> {
  const client = target.stranger('thief').withToken(token);
  const { body } = await client.get<{ email?: string }>('/v1/users/me');
  return body.email === email;
}

/** Whether it still does what only an administrator may. */
export async function listsUsers(target: Target, token: string, email: string): Promise<boolean> {
  const client = target.stranger('thief').withToken(token);
  const path = `/v1/users?email=${encodeURIComponent(email)}`;
  const { body } = await client.get<{ items?: { email: string }[] }>(path);
  return body.items?.some((user) => user.email === email) ?? false;
}

export async function refresh(target: Target, who: string, refreshToken: string): Promise<Tokens> {
  const client = target.stranger(who);
  const { body } = await client.post<Tokens>('/v1/auth/refresh', { refreshToken });
  return body;
}
