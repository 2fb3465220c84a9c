import type { Control } from '../engine/lesson.js';
import { foreignTokens, KEY_OF, TOKENS, unverified } from './parts.js';

const STRATEGY = 'src/auth/jwt.strategy.ts';
const GUARD = 'src/auth/jwt-auth.guard.ts';

/** One line of the rules that jose checks. */
const rule = (id: string, title: string, line: string, opens: string[]): Control => ({
  id,
  title,
  file: TOKENS,
  removal: { edits: [{ file: TOKENS, find: `      ${line}\n`, replace: '' }] },
  opens,
});

export const controls: Control[] = [
  {
    id: 'token-signature',
    title: 'The signature is checked, not only the text decoded',
    file: TOKENS,
    removal: { edits: unverified() },
    opens: [
      'token-unsigned',
      'token-unsigned-spelled',
      'token-edited',
      'token-strangers-key',
      'token-hs256',
      'token-hs384',
      'token-embedded-key',
      'token-embedded-key-named',
      ...foreignTokens,
    ],
  },
  rule('token-algorithm', 'One algorithm, named by us', 'algorithms: [ALGORITHM],', []),
  {
    id: 'token-key-type',
    title: 'The key is an object that knows its kind, not text',
    file: TOKENS,
    removal: {
      edits: [
        {
          file: TOKENS,
          find: KEY_OF,
          replace: `({ kid, alg }) => {
        const { publicKey } = this.keyFor(kid);
        return alg.startsWith('HS')
          ? Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))
          : publicKey;
      },`,
        },
      ],
    },
    opens: [],
  },
  {
    id: 'token-key-list',
    title: 'A key is found in our list and nowhere else',
    file: TOKENS,
    removal: {
      edits: [
        {
          file: TOKENS,
          find: KEY_OF,
          replace: '({ kid, jwk }) => jwk ?? this.keyFor(kid).publicKey,',
        },
      ],
    },
    opens: ['token-embedded-key', 'token-embedded-key-named'],
  },
  rule('token-audience', 'For this API', 'audience: this.audience,', [
    'token-other-audience',
    'token-audience-prefix',
  ]),
  rule('token-issuer', 'From this issuer', 'issuer: config.publicUrl,', [
    'token-other-issuer',
    'token-issuer-prefix',
  ]),
  rule('token-type', 'Of this kind', 'typ: TYPE,', ['token-other-kind', 'token-no-kind']),
  {
    id: 'token-expiry-rule',
    title: 'The expiry, with seconds of tolerance and not more',
    file: TOKENS,
    removal: {
      edits: [
        { file: TOKENS, find: 'SKEW_SECONDS = 5;', replace: 'SKEW_SECONDS = 365 * 24 * 3_600;' },
      ],
    },
    opens: [],
  },
  {
    id: 'token-expiry-each-use',
    title: 'The expiry at every use, also of a token that is remembered',
    file: TOKENS,
    removal: {
      edits: [
        {
          file: TOKENS,
          find: "    if (expiresAtMs <= Date.now()) throw new errors.JWTInvalid('expired');\n",
          replace: '',
        },
      ],
    },
    opens: ['token-expired-remembered'],
  },
  {
    id: 'token-header-only',
    title: 'The token comes in a header that no browser sends by itself',
    file: STRATEGY,
    removal: {
      edits: [
        {
          file: GUARD,
          find: 'if (!request.headers.authorization) throw',
          replace: 'if (!request.headers.authorization && !request.headers.cookie) throw',
        },
        {
          file: STRATEGY,
          find: 'jwtFromRequest: ({ headersDistinct }) => {',
          replace: `jwtFromRequest: ({ headers, headersDistinct }) => {
          if (headers.cookie) return headers.cookie.replace('access_token=', '');`,
        },
      ],
    },
    opens: ['token-in-cookie'],
  },
  {
    id: 'token-bearer-only',
    title: 'Under the scheme "Bearer" and no other',
    file: STRATEGY,
    removal: {
      edits: [{ file: STRATEGY, find: 'BEARER = /^Bearer +', replace: 'BEARER = /^\\w+ +' }],
    },
    opens: ['token-other-scheme'],
  },
];
