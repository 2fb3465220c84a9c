import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import { mayKeep, readFromPage } from './browser.js';

export const ALLOWED = 'https://app.example.com';

const STRANGER = ['https://evil.example'];
/** Nearly the origin that is allowed: what sloppy comparisons take for it. */
const LOOKALIKES = [
  `${ALLOWED}.evil.example`,
  `${ALLOWED}:8443`,
  'https://notexample.com',
  'http://app.example.com',
  'null',
];

/**
 * Ada's password leaked elsewhere. A page that she visits tries it from her own browser: her address
 * is one that her account knows, so nothing looks unusual.
 */
async function signInFromPage(target: Target, origins: string[]): Promise<Loot> {
  const { email, password, client } = await target.person('ada');
  for (const origin of origins) {
    const page = { origin, ip: client.ip };
    const body = { email, password };
    const got = await readFromPage<{ accessToken?: string }>(target, page, '/v1/auth/login', body);
    if (got?.accessToken) return `Ada’s tokens, in a page of ${origin}`;
  }
  return null;
}

/** Somebody who comes to the same cache after Ada has signed out. */
async function readAfterLogout(target: Target, kind: 'browser' | 'proxy'): Promise<boolean> {
  const ada = await target.person('ada');
  const { id } = await target.resource(ada);
  const { headers, text } = await ada.client.get(`/v1/resources/${id}`);
  const kept = mayKeep(headers, kind) ? text : '';
  await ada.client.post('/v1/auth/logout');
  return kept.includes('secret of ada');
}

export const attacks: Attack[] = [
  {
    id: 'cors-stranger',
    title: 'Sign in as Ada from a page of your own that she visits, and read her tokens',
    run: (target) => signInFromPage(target, STRANGER),
  },
  {
    id: 'cors-lookalike',
    title: 'The same from origins that look like the one that is allowed',
    run: (target) => signInFromPage(target, LOOKALIKES),
  },
  {
    id: 'cors-beside-allowed',
    title: 'Both, where one origin is allowed',
    scenario: { env: { CORS_ORIGINS: ALLOWED } },
    run: (target) => signInFromPage(target, [...STRANGER, ...LOOKALIKES]),
  },
  {
    id: 'cache-browser',
    title: 'Open the browser that Ada signed out of, and read what it kept',
    run: async (target) =>
      (await readAfterLogout(target, 'browser')) ? 'Ada’s resource, from the disk' : null,
  },
  {
    id: 'cache-proxy',
    title: 'Ask the proxy that Ada’s company shares for what she has read',
    run: async (target) =>
      (await readAfterLogout(target, 'proxy')) ? 'Ada’s resource, from a shared cache' : null,
  },
];
