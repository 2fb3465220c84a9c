import type { Edit } from '../engine/lesson.js';

export const TOKENS = 'src/auth/access-tokens.ts';

/** The places in the source that removals and wrong fixes change. */
export const KEY_OF = '({ kid }) => this.keyFor(kid).publicKey,';
export const RULES = '      this.rules,\n    );';
const VERIFY = `const { payload, protectedHeader } = await jwtVerify(
      token,
      ${KEY_OF}
${RULES}`;

/** Decodes the token and believes it; `before` may look at it first. */
export const unverified = (before = ''): Edit[] => [
  {
    file: TOKENS,
    find: 'import { errors, jwtVerify,',
    replace: 'import { decodeJwt, decodeProtectedHeader, errors,',
  },
  {
    file: TOKENS,
    find: VERIFY,
    replace: `${before}const payload = decodeJwt(token);
    const protectedHeader = decodeProtectedHeader(token);`,
  },
];

/** Tokens that the right key signed, for somebody or something else. */
export const foreignTokens = [
  'token-other-audience',
  'token-audience-prefix',
  'token-other-issuer',
  'token-issuer-prefix',
  'token-other-kind',
  'token-no-kind',
];
