import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { opensProfile, refresh } from '../12-revocation/people.js';
import { Browser, type Page } from './browser.js';

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

const LOGIN = '/v1/auth/login';
const REFRESH = '/v1/auth/refresh';

/** Somebody's browser, in a page of ours that has signed in. */
export async function signIn(target: Target, person: Person, isOld = false) {
  const { name, email, password, client } = person;
  const browser = new Browser(target.stranger(`${name}'s browser`, client.ip), isOld);
  const body = { email, password, refreshTokenIn: 'cookie' };
  const answer = await browser.post<Partial<Tokens>>('same-origin', LOGIN, body);
  return { browser, answer };
}

/** What a thief makes of tokens that he carried away, on a machine of his own. */
async function useElsewhere(target: Target, ada: Person, tokens: string[]): Promise<Loot> {
  for (const token of tokens.filter(Boolean)) {
    const { accessToken } = await refresh(target, 'thief', token);
    if (await opensProfile(target, ada, accessToken)) return 'Ada’s session, to keep';
  }
  return null;
}

/** A script that came into our page with a comment or a package. */
const scripts: Attack[] = [
  {
    id: 'cookie-script-reads',
    title: 'Read the refresh token from document.cookie with an injected script',
    run: async (target) => {
      const ada = await target.person('ada');
      const { browser } = await signIn(target, ada);
      return useElsewhere(target, ada, browser.readableByScripts);
    },
  },
  {
    id: 'cookie-script-sign-in',
    title: 'Read the refresh token from the answer to the sign-in',
    run: async (target) => {
      const ada = await target.person('ada');
      const { answer } = await signIn(target, ada);
      return useElsewhere(target, ada, [answer.body.refreshToken ?? '']);
    },
  },
  {
    id: 'cookie-script-refresh',
    title: 'Have the browser refresh, and read the refresh token from the answer',
    run: async (target) => {
      const ada = await target.person('ada');
      const { browser } = await signIn(target, ada);
      const { body } = await browser.post<Partial<Tokens>>('same-origin', REFRESH);
      return useElsewhere(target, ada, [body.refreshToken ?? '']);
    },
  },
];

/** A page that Ada has open in another tab. It cannot read the answer; her session goes on. */
async function refreshFrom(target: Target, page: Page, said?: Record<string, string>) {
  const { browser } = await signIn(target, await target.person('ada'));
  const before = browser.all;
  // No body, no type: the browser asks nobody before it sends this.
  await browser.post(page, REFRESH, undefined, said);
  return browser.all === before ? null : 'a session that another page keeps alive';
}

const otherPages: Attack[] = [
  {
    id: 'cookie-neighbour-refresh',
    title: 'Keep Ada’s session alive from a page of another host of the site',
    run: (target) => refreshFrom(target, 'same-site'),
  },
  {
    id: 'cookie-neighbour-unlabelled',
    title: 'The same in a browser that does not say what the page is',
    run: async (target) =>
      (await refreshFrom(target, 'same-site', {})) ??
      refreshFrom(target, 'same-site', { origin: 'https://blog.example.com' }),
  },
  {
    id: 'cookie-foreign-refresh',
    title: 'The same from a page of another site',
    run: (target) => refreshFrom(target, 'cross-site'),
  },
  {
    id: 'cookie-in-clear',
    title: 'Have the browser load the API without TLS, and read along',
    run: async (target) => {
      const ada = await target.person('ada');
      const { browser } = await signIn(target, ada);
      return useElsewhere(target, ada, browser.sentInClear);
    },
  },
];

/** Ada opens our page; whoever the cookie says she is, she writes down her plan and Mallory looks. */
async function writesFor(target: Target, browser: Browser, mallory: Person): Promise<Loot> {
  const { body } = await browser.post<Partial<Tokens>>('same-origin', REFRESH);
  if (!body.accessToken) return null;
  const page = target.stranger('ada').withToken(body.accessToken);
  await page.post('/v1/resources', { title: 'secret of ada', content: '' });
  const list = await mallory.client.get('/v1/resources?limit=1&sort=-createdAt');
  return list.text.includes('secret of ada') ? 'what Ada wrote, in Mallory’s account' : null;
}

const tossed: Attack[] = [
  {
    id: 'cookie-toss',
    title: 'Give Ada’s browser your own cookie, from another host of the site',
    run: async (target) => {
      const mallory = await target.person('mallory');
      const { browser } = await signIn(target, mallory);
      const victim = new Browser(target.stranger("ada's browser"));
      victim.setByNeighbour(browser.all);
      return writesFor(target, victim, mallory);
    },
  },
  {
    id: 'cookie-toss-beside',
    title: 'Put it before the cookie that Ada has, in a browser that overlooks the name',
    run: async (target) => {
      const mallory = await target.person('mallory');
      const hers = await signIn(target, mallory);
      const { browser } = await signIn(target, await target.person('ada'), true);
      browser.setByNeighbour(`=${hers.browser.all}`);
      return writesFor(target, browser, mallory);
    },
  },
];

export const attacks: Attack[] = [...scripts, ...otherPages, ...tossed];
