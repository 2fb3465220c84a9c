import type { Change, Lesson, WrongFix } from '../engine/lesson.js';
import { ALLOWED, attacks } from './attacks.js';

const SETUP = 'src/app.setup.ts';
const HEADERS = 'src/http/security-headers.ts';

/** A deployment that allows one origin, and another way to compare origins. */
const comparedBy = (origin: string): Change => ({
  env: { CORS_ORIGINS: ALLOWED },
  edits: [{ file: SETUP, find: 'origin: [...corsOrigins],', replace: `origin: ${origin},` }],
});

const cachedAs = (policy: string): Change => ({
  edits: [{ file: HEADERS, find: "'cache-control': 'no-store',", replace: policy }],
});

const wrongFixes: WrongFix[] = [
  {
    id: 'cors-star',
    title: 'Allow "*": we have no cookies',
    why: 'Every page may then use its visitor’s browser, address and network to speak to you, and read the answer.',
    change: comparedBy("'*'"),
    opens: ['cors-stranger', 'cors-lookalike', 'cors-beside-allowed'],
  },
  {
    id: 'cors-starts-with',
    title: 'Allow what starts with our origin',
    why: 'Whoever owns evil.example also owns app.example.com.evil.example.',
    change: comparedBy('(origin, done) => done(null, (origin ?? "").startsWith(corsOrigins[0]))'),
    opens: ['cors-lookalike', 'cors-beside-allowed'],
  },
  {
    id: 'cors-pattern',
    title: 'Allow /example\\.com$/, so that our other sites can come too',
    why: 'notexample.com ends like that, and so does a plain http page that anybody on the way can write.',
    change: comparedBy('/example\\.com$/'),
    opens: ['cors-lookalike', 'cors-beside-allowed'],
  },
  {
    id: 'cache-no-cache',
    title: 'Send no-cache',
    why: 'It means "ask before you use your copy": the copy is kept.',
    change: cachedAs("'cache-control': 'no-cache',"),
    opens: ['cache-browser'],
  },
  {
    id: 'cache-public',
    title: 'Let answers live for a minute: "public, max-age=60"',
    why: '"public" says that a shared cache may keep what a token was needed for.',
    change: cachedAs("'cache-control': 'public, max-age=60',"),
    opens: ['cache-browser', 'cache-proxy'],
  },
];

export const lesson: Lesson = {
  folder: '22-browsers',
  title: 'Browsers',
  claim:
    'A browser hands our answers to pages of the origins that the operator named, and keeps no copy.',
  asvs: ['3.4.2', '3.5.2', '14.2.2', '14.3.2'],
  api: ['API8:2023'],
  attacks,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    for (let time = 1; time <= 2; time += 1) {
      const { status } = await ada.client.get('/v1/resources', { origin: ALLOWED });
      if (status !== 200) throw new Error('a request that says where it comes from is refused');
    }
  },
  controls: [
    {
      id: 'cors-allow-list',
      title: 'Origins are compared as a whole, with a list',
      file: SETUP,
      removal: comparedBy('true'),
      opens: ['cors-stranger', 'cors-lookalike', 'cors-beside-allowed'],
    },
    {
      id: 'cache-no-store',
      title: 'No answer may be kept',
      file: HEADERS,
      removal: cachedAs(''),
      opens: ['cache-browser'],
    },
  ],
};
