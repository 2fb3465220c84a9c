import type { Control } from '../engine/lesson.js';

const STRICT_JSON = 'src/http/strict-json.ts';
const PAGE = 'src/http/page.dto.ts';
const SETUP = 'src/app.setup.ts';
const LISTENERS = 'src/listeners.ts';
const FIELDS = 'src/http/fields.ts';
const HOOKS = 'src/http/request.hooks.ts';
const RATE_LIMIT = 'src/http/rate-limit.ts';
const MODULE = 'src/app.module.ts';

export const controls: Control[] = [
  {
    id: 'page-limit',
    title: 'A page has 100 rows at the most',
    file: PAGE,
    removal: {
      edits: [{ file: PAGE, find: 'max: MAX_PAGE_SIZE,', replace: 'max: 999_999_999,' }],
    },
    opens: ['page-without-end'],
  },
  {
    id: 'body-limit',
    title: 'A body has 100 kB at the most, counted as it arrives',
    file: LISTENERS,
    removal: {
      edits: [{ file: LISTENERS, find: 'bodyBytes: 100 * 1024', replace: 'bodyBytes: 1024 ** 3' }],
    },
    opens: ['body-padded', 'body-chunked'],
  },
  {
    id: 'json-depth',
    title: 'A body is nested 20 levels deep at the most',
    file: STRICT_JSON,
    removal: {
      edits: [
        {
          file: STRICT_JSON,
          find: 'if (open.push(new Set()) > MAX_DEPTH) throw',
          replace: 'if (open.push(new Set()) < 0) throw',
        },
      ],
    },
    opens: ['json-deep-arrays'],
  },
  {
    id: 'json-names',
    title: 'A body has a thousand names at the most',
    file: STRICT_JSON,
    removal: {
      edits: [
        {
          file: STRICT_JSON,
          find: 'if (count > MAX_NAMES) throw',
          replace: 'if (count < 0) throw',
        },
      ],
    },
    opens: ['json-many-names'],
  },
  {
    id: 'text-bounds',
    title: 'Every text has a bound',
    file: FIELDS,
    removal: {
      edits: [{ file: FIELDS, find: '[...rules, Length(1, max, each)]', replace: 'rules' }],
    },
    opens: ['text-long-label'],
  },
  {
    id: 'address-budget',
    title: 'Each address has a budget for each class of routes',
    file: HOOKS,
    removal: {
      edits: [
        {
          file: HOOKS,
          find: 'applyQuota(reply, name, limiters[name].take(sourceOf(request.clientIp), perIp));',
          replace: '',
        },
      ],
    },
    opens: [
      'flood-one-address',
      'flood-forged-address',
      'flood-other-headers',
      'flood-ipv6',
      'guess-many-accounts',
      'guess-many-ipv6',
    ],
  },
  {
    id: 'trusted-hops',
    title: 'Of X-Forwarded-For, only what our own proxies wrote is believed',
    file: SETUP,
    removal: {
      edits: [
        {
          file: SETUP,
          find: 'trustProxy: (_address, hop) => hop < config.trustedProxyHops',
          replace: 'trustProxy: true',
        },
      ],
    },
    opens: ['flood-forged-address', 'guess-forged-source'],
  },
  {
    id: 'address-network',
    title: 'An IPv6 network of one subscriber is one source',
    file: RATE_LIMIT,
    removal: {
      edits: [
        {
          file: RATE_LIMIT,
          find: 'return isIPv4(address) ? address : networkOf(address);',
          replace: 'return ip;',
        },
      ],
    },
    opens: ['flood-ipv6', 'guess-many-ipv6'],
  },
  {
    id: 'user-budget',
    title: 'Each user has a budget, wherever he calls from',
    file: MODULE,
    removal: {
      edits: [
        {
          file: MODULE,
          find: '{ provide: APP_GUARD, useClass: UserRateLimitGuard },',
          replace: '',
        },
      ],
    },
    opens: ['flood-one-user'],
  },
];
