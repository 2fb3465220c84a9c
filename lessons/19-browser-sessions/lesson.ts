import type { Change, Lesson } from '../engine/lesson.js';
import { attacks, signIn } from './attacks.js';
import { wrongFixes } from './wrong-fixes.js';
import { COOKIE, OTHERS, OWN_PAGE, REFRESHES, TOKENS } from './parts.js';

const removal = (file: string, find: string, replace: string): Change => ({
  edits: [{ file, find, replace }],
});

export const lesson: Lesson = {
  folder: '19-browser-sessions',
  title: 'Sessions in browsers',
  claim:
    'No script can carry a browser’s session away, no other page can use it, and none can slip it another one.',
  asvs: ['3.3.1', '3.3.2', '3.3.3', '3.3.4', '3.5.1'],
  api: ['API2:2023', 'API8:2023'],
  attacks,
  wrongFixes,
  use: async (target) => {
    const { browser, answer } = await signIn(target, await target.person('ada'));
    let { accessToken } = answer.body;
    for (let round = 0; round < 2; round += 1) {
      const { body } = await browser.post<{ accessToken?: string }>(
        'same-origin',
        '/v1/auth/refresh',
      );
      if (!body.accessToken || body.accessToken === accessToken)
        throw new Error('a browser cannot continue its session');
      ({ accessToken } = body);
    }
  },
  controls: [
    {
      id: 'cookie-http-only',
      title: 'Scripts cannot read the cookie',
      file: COOKIE,
      removal: removal(COOKIE, 'HttpOnly; ', ''),
      opens: ['cookie-script-reads'],
    },
    {
      id: 'cookie-not-in-body',
      title: 'A token that goes into the cookie goes nowhere else',
      file: TOKENS,
      removal: removal(
        TOKENS,
        'cookie.keep(refreshToken, endsAt);\n    return tokens;',
        'cookie.keep(refreshToken, endsAt);\n    return { ...tokens, refreshToken };',
      ),
      opens: ['cookie-script-sign-in', 'cookie-script-refresh'],
    },
    {
      id: 'cookie-stays-one',
      title: 'A token that came in the cookie goes back into it',
      file: REFRESHES,
      removal: removal(REFRESHES, 'refreshToken === undefined ? cookie : undefined', 'undefined'),
      opens: ['cookie-script-refresh'],
    },
    {
      id: 'cookie-own-page',
      title: 'The browser must say that the page is ours',
      file: COOKIE,
      removal: removal(COOKIE, OWN_PAGE, ''),
      opens: ['cookie-neighbour-refresh', 'cookie-neighbour-unlabelled'],
    },
    {
      id: 'cookie-same-site',
      title: 'Pages of other sites do not send the cookie',
      file: COOKIE,
      removal: removal(COOKIE, "SameSite=Strict'", "SameSite=None'"),
      opens: [],
    },
    {
      id: 'cookie-tls',
      title: 'The cookie travels in TLS only',
      file: COOKIE,
      removal: removal(COOKIE, 'Secure; ', ''),
      opens: [],
    },
    {
      id: 'cookie-host-name',
      title: 'Its name lets only this host set it',
      file: COOKIE,
      removal: removal(COOKIE, "'__Host-refresh_token'", "'refresh_token'"),
      opens: ['cookie-toss'],
    },
    {
      id: 'cookie-one',
      title: 'Of two cookies of that name, neither is taken',
      file: COOKIE,
      removal: removal(COOKIE, OTHERS, ''),
      opens: ['cookie-toss-beside'],
    },
  ],
  stacks: [
    {
      controls: ['cookie-own-page', 'cookie-same-site'],
      opens: ['cookie-neighbour-refresh', 'cookie-neighbour-unlabelled', 'cookie-foreign-refresh'],
    },
    { controls: ['cookie-tls', 'cookie-host-name'], opens: ['cookie-in-clear', 'cookie-toss'] },
  ],
};
