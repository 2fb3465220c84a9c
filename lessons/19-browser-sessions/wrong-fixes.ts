import type { Change, WrongFix } from '../engine/lesson.js';
import { COOKIE, OTHERS, REFRESHES } from './parts.js';

const IS_OWN = "const isOwn = site === undefined ? origin === ownOrigin : site === 'same-origin';";
const change = (file: string, find: string, replace: string): Change => ({
  edits: [{ file, find, replace }],
});

export const wrongFixes: WrongFix[] = [
  {
    id: 'cookie-strict-is-enough',
    title: 'SameSite=Strict, and nothing else',
    why: 'A site is more than one host: what runs on any other host of it, the forgotten blog too, counts as the same.',
    change: change(COOKIE, IS_OWN, 'const isOwn = Boolean(ownOrigin);'),
    opens: ['cookie-neighbour-refresh', 'cookie-neighbour-unlabelled'],
  },
  {
    id: 'cookie-not-cross-site',
    title: 'Refuse what says that it is cross-site',
    why: 'The neighbour says same-site, and an old browser says nothing.',
    change: change(COOKIE, IS_OWN, "const isOwn = site !== 'cross-site' || origin === ownOrigin;"),
    opens: ['cookie-neighbour-refresh', 'cookie-neighbour-unlabelled'],
  },
  {
    id: 'cookie-where-sent',
    title: 'Look at Sec-Fetch-Site where a browser sends it',
    why: 'Where nothing is said, nothing is known: the defence must fail closed, not open.',
    change: change(
      COOKIE,
      IS_OWN,
      "const isOwn = site === undefined || site === 'same-origin' || origin === ownOrigin;",
    ),
    opens: ['cookie-neighbour-unlabelled'],
  },
  {
    id: 'cookie-first',
    title: 'Of two cookies, take the first: the more exact one comes first',
    why: 'Whoever sets a cookie chooses its path, so the first one is his.',
    change: change(COOKIE, OTHERS, 'void others;'),
    opens: ['cookie-toss-beside'],
  },
  {
    id: 'cookie-on-demand',
    title: 'Tell the token to a page of ours when it asks for it',
    why: 'What our page may ask, a script that was slipped into it may ask, too.',
    change: change(
      REFRESHES,
      'return this.tokens.issue(session, refreshToken === undefined ? cookie : undefined);',
      `const tokens = await this.tokens.issue(session, cookie);
      return { ...tokens, refreshToken: session.refreshToken };`,
    ),
    opens: ['cookie-script-refresh'],
  },
];
