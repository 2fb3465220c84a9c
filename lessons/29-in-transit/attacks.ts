import { getCACertificates, setDefaultCACertificates, type ConnectionOptions } from 'node:tls';
import { agreedOn } from '../../test/support/tls.js';
import { until } from '../../test/support/waiting.js';
import type { Attack, Change, Loot } from '../engine/lesson.js';
import { TracingClient, type Person, type Target } from '../engine/target.js';
import { HostsOfTls } from './browser.js';
import { deployedWith } from './deployment.js';

interface Tokens {
  accessToken?: string;
}

/** What a proxy writes when a client came without TLS. */
const IN_CLEAR = { 'x-forwarded-proto': 'http' };

/** Where the deployment's address says https, as every one should. */
const BEHIND_PROXY: Change = { env: { PUBLIC_URL: 'https://api.example.com' } };
const WITH_TLS = deployedWith('await lab.withTls(env)');
/** With a certificate of the older kind, which suits old clients. */
const WITH_RSA = deployedWith('await lab.withTls(env, 2_048)');

/** Whoever listened uses what he heard, over TLS as anybody. */
async function useToken(target: Target, { email }: Person, token?: string): Promise<Loot> {
  if (!token) return null;
  const eve = target.stranger('eve').withToken(token);
  const { body } = await eve.get<{ email?: string }>('/v1/users/me');
  return body.email === email ? 'Ada’s account, with a token that was overheard' : null;
}

/** A program of Ada's has `http://` in its settings. */
async function bearerInClear(target: Target, headers: Record<string, string>): Promise<Loot> {
  const ada = await target.person('ada');
  await ada.client.get('/v1/users/me', headers);
  return useToken(target, ada, ada.accessToken);
}

async function loginInClear(target: Target, at: (ada: Person) => Promise<Tokens>): Promise<Loot> {
  const ada = await target.person('ada');
  const { accessToken } = await at(ada);
  return useToken(target, ada, accessToken);
}

function trustTheLab({ lab }: Target): void {
  const [, pem = ''] = /authority of the lab: (\S+)/.exec(lab.log()) ?? [];
  const known = getCACertificates('default');
  setDefaultCACertificates([...known, Buffer.from(pem, 'base64').toString()]);
}

async function plainPort(target: Target): Promise<TracingClient> {
  const { lab, trace } = target;
  await until(() => /refused at port \d+/.test(lab.log()), 'the port for plain HTTP is open');
  trustTheLab(target);
  const [, port] = /refused at port (\d+)/.exec(lab.log()) ?? [];
  return new TracingClient('ada, at the port for plain HTTP', trace, `http://127.0.0.1:${port}`);
}

/** As links, bookmarks and people have it who type the name alone. */
const IN_A_LINK = 'http://localhost/account/reset-password';
const WEEK_SECONDS = 7 * 24 * 3_600;

/** Ada's browser has been here once; a week later it stands in the café, and is sent to a link. */
async function goToTheCafe(target: Target): Promise<string> {
  const browser = new HostsOfTls();
  const url = target.url.replace('127.0.0.1', 'localhost');
  const visit = new TracingClient('ada’s browser', target.trace, url);
  const { headers } = await visit.get('/v1/health/live');
  browser.hear(url, headers, 0);
  const there = browser.goesTo(IN_A_LINK, WEEK_SECONDS);
  const got = there.startsWith('https:') ? ['asks over TLS, of itself'] : ['asks in clear'];
  const who = 'ada’s browser, a week later';
  target.trace.push({ who, method: 'GET', path: IN_A_LINK, status: 0, got });
  return there;
}

const REFUSED = /^ERR_SSL_\S*(HANDSHAKE_FAILURE|PROTOCOL_VERSION)$/;

/** A client that can do no better, or says so because somebody on the way made it. */
const talkedInto = (id: string, title: string, offer: ConnectionOptions, loot: string): Attack => ({
  id,
  title,
  needsLab: true,
  scenario: WITH_RSA,
  run: async (target) => {
    trustTheLab(target);
    const agreed = await agreedOn(target.url, offer);
    const [method, path] = ['TLS', `${offer.maxVersion} ${offer.ciphers}`];
    target.trace.push({ who: 'an old client', method, path, status: 0, got: [agreed.trim()] });
    if (agreed.startsWith('TLSv')) return loot;
    if (!REFUSED.test(agreed)) throw new Error(`the handshake ended with ${agreed}`);
    return null;
  },
});

const impostor = (id: string, title: string, query: string, env = {}, refusal = /TLS/): Attack => ({
  id,
  title,
  needsLab: true,
  scenario: { ...deployedWith(`await lab.behindImpostor(env, '${query}')`), env, refusal },
  run: async (target) => {
    await target.person('ada', 'password');
    return target.lab.log().includes('overheard: $argon2id$') ? 'Ada’s password hash' : null;
  },
});

export const attacks: Attack[] = [
  {
    id: 'clear-bearer',
    title: 'Listen before a proxy that also speaks http, and use the token that comes by',
    scenario: BEHIND_PROXY,
    run: (target) => bearerInClear(target, IN_CLEAR),
  },
  {
    id: 'clear-bearer-dressed',
    title: 'The same, with a client that claims https itself; the proxy adds what it saw',
    scenario: BEHIND_PROXY,
    run: (target) => bearerInClear(target, { 'x-forwarded-proto': 'https, http' }),
  },
  {
    id: 'clear-login',
    title: 'Read the tokens in the answer to a sign-in without TLS',
    scenario: BEHIND_PROXY,
    run: (target) =>
      loginInClear(target, async ({ client, email, password }) => {
        const { body } = await client.post('/v1/auth/login', { email, password }, IN_CLEAR);
        return body;
      }),
  },
  {
    id: 'plain-bearer',
    title: 'Listen at the port for plain HTTP, and use the token that comes by',
    needsLab: true,
    scenario: WITH_TLS,
    run: async (target) => {
      const plain = await plainPort(target);
      const ada = await target.person('ada');
      await plain.withToken(ada.accessToken).get('/v1/users/me');
      return useToken(target, ada, ada.accessToken);
    },
  },
  {
    id: 'plain-login',
    title: 'Read the tokens in the answer to a sign-in at the port for plain HTTP',
    needsLab: true,
    scenario: WITH_TLS,
    run: async (target) => {
      const plain = await plainPort(target);
      return loginInClear(target, async ({ email, password }) => {
        const { body } = await plain.post('/v1/auth/login', { email, password });
        return body;
      });
    },
  },
  {
    id: 'strip-tls',
    title: 'Answer in the café for whoever is sent to http, with the app’s own pages',
    needsLab: true,
    scenario: WITH_TLS,
    run: async (target) => {
      trustTheLab(target);
      const { email, password } = await target.person('ada');
      if ((await goToTheCafe(target)).startsWith('https:')) return null;
      // Mallory passes on what she enters there.
      const mallory = target.stranger('mallory');
      const { status } = await mallory.post('/v1/auth/login', { email, password });
      return status === 200 ? 'Ada’s password, and a session of hers' : null;
    },
  },
  {
    id: 'open-to-the-net',
    title: 'Listen before a server of which nobody has said where TLS ends',
    scenario: { ...deployedWith('lab.openToTheNet(env)'), refusal: /HOST opens the app/ },
    run: (target) => bearerInClear(target, {}),
  },
  talkedInto(
    'tls-recorded',
    'Record what an old client says, and steal the key of the certificate a year later',
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:@SECLEVEL=0' },
    'all that was said, also last year: the stolen key opens it',
  ),
  talkedInto(
    'tls-old-version',
    'Make a client speak as it did twenty years ago',
    { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' },
    'a connection that is protected by MD5 and SHA-1',
  ),
  impostor(
    'impostor-no-verify',
    'Answer for the database, with a certificate of your own',
    '?sslmode=no-verify',
  ),
  impostor(
    'impostor-require',
    'Answer for the database where "require" asks for TLS, and not who answers',
    '?sslmode=require&uselibpqcompat=true',
  ),
  impostor(
    'impostor-node-switch',
    'Answer for the database where an old variable makes Node believe anybody',
    '?sslmode=verify-full',
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    /accepts any certificate/,
  ),
  impostor(
    'impostor-verified',
    'Answer for a database that is verified',
    '?sslmode=verify-full',
    {},
    /cannot be verified/,
  ),
];
