import type { WrongFix } from '../engine/lesson.js';

const SETUP = 'src/app.setup.ts';
const LISTENERS = 'src/listeners.ts';
const HOOKS = 'src/http/request.hooks.ts';
const COUNTED = 'sourceOf(request.clientIp)';

export const wrongFixes: WrongFix[] = [
  {
    id: 'body-announced-length',
    title: 'Look at Content-Length and refuse what is larger than 100 kB',
    why: 'A chunked message announces no length: only bytes that are counted as they arrive are bounded.',
    change: {
      edits: [
        { file: LISTENERS, find: 'bodyBytes: 100 * 1024', replace: 'bodyBytes: 1024 ** 3' },
        {
          file: 'src/http/strict-message.ts',
          find: "const encoding = headers['content-encoding'];",
          replace:
            "if (Number(headers['content-length'] ?? 0) > 102_400) throw new Problem('body_too_large');\n  const encoding = headers['content-encoding'];",
        },
      ],
    },
    opens: ['body-chunked'],
  },
  {
    id: 'json-depth-of-objects',
    title: 'Count the braces',
    why: 'Brackets nest as deep.',
    change: {
      edits: [
        {
          file: 'src/http/strict-json.ts',
          find: 'if (open.push(new Set()) > MAX_DEPTH) throw',
          replace: "if (open.push(new Set()) > MAX_DEPTH && token === '{') throw",
        },
      ],
    },
    opens: ['json-deep-arrays'],
  },
  {
    id: 'address-by-its-first-entry',
    title: 'Take the first entry of X-Forwarded-For: "the client’s true address"',
    why: 'Proxies append; the first entry is what the client wrote itself.',
    change: {
      edits: [
        {
          file: HOOKS,
          find: COUNTED,
          replace:
            "sourceOf(String(request.headers['x-forwarded-for'] ?? request.ip).split(',')[0])",
        },
      ],
    },
    opens: ['flood-forged-address'],
  },
  {
    id: 'address-by-another-header',
    title: 'Prefer X-Real-IP, which the proxy of another deployment sets',
    why: 'A header that no proxy of yours overwrites is the client’s to write.',
    change: {
      edits: [
        {
          file: HOOKS,
          find: COUNTED,
          replace: "sourceOf(String(request.headers['x-real-ip'] ?? request.ip))",
        },
      ],
    },
    opens: ['flood-other-headers'],
  },
  {
    id: 'advice-hundred-an-address',
    title:
      'The common advice: 100 requests an address, the proxy trusted, the same for every route',
    why: 'The client picks its address, a subscriber has many, a user is not counted at all, and 100 guesses a minute are 144,000 a day.',
    change: {
      edits: [
        {
          file: SETUP,
          find: 'trustProxy: (_address, hop) => hop < config.trustedProxyHops',
          replace: 'trustProxy: true',
        },
        { file: HOOKS, find: COUNTED, replace: 'request.ip' },
        {
          file: 'src/http/rate-limit.ts',
          find: 'credentials: { perIp: 30 }',
          replace: 'credentials: { perIp: 100 }',
        },
        {
          file: 'src/app.module.ts',
          find: '{ provide: APP_GUARD, useClass: UserRateLimitGuard },',
          replace: '',
        },
      ],
    },
    opens: [
      'flood-one-address',
      'flood-forged-address',
      'flood-other-headers',
      'flood-ipv6',
      'flood-one-user',
    ],
  },
];
