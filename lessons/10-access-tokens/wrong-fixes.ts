import type { WrongFix } from '../engine/lesson.js';
import { foreignTokens, KEY_OF, RULES, TOKENS, unverified } from './parts.js';

const SECRET = "Buffer.from('changeme')";

export const wrongFixes: WrongFix[] = [
  {
    id: 'token-advice',
    title: 'The usual advice: jwt.sign with a secret word, authorization.split(" ")[1]',
    why: 'A word can be guessed at home from one token, and whoever can verify can also sign; the split takes any scheme.',
    change: {
      edits: [
        { file: TOKENS, find: "const ALGORITHM = 'ES256';", replace: "const ALGORITHM = 'HS256';" },
        { file: TOKENS, find: '.sign(privateKey);', replace: `.sign(${SECRET});` },
        { file: TOKENS, find: KEY_OF, replace: `() => ${SECRET},` },
        {
          file: 'src/auth/jwt.strategy.ts',
          find: 'return others.length === 0 ? (BEARER.exec(header)?.[1] ?? null) : null;',
          replace: "return header.split(' ')[1] ?? null;",
        },
      ],
    },
    opens: ['token-guessed-secret', 'token-other-scheme'],
  },
  {
    id: 'token-verify-only',
    title: 'Verify the signature and believe the rest',
    why: 'The signature says who signed, not for whom, as what, or on whose behalf.',
    change: { edits: [{ file: TOKENS, find: RULES, replace: '      {},\n    );' }] },
    opens: foreignTokens,
  },
  {
    id: 'token-deny-none',
    title: 'Refuse "none", decode the rest',
    why: 'The name is compared in one spelling, and every other forgery was never looked at.',
    change: {
      edits: unverified(
        "if (decodeProtectedHeader(token).alg === 'none') throw new errors.JWTInvalid('none');\n    ",
      ),
    },
    opens: [
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
  {
    id: 'token-deny-hs256',
    title: 'A key as text, and "HS256" on a deny-list',
    why: 'The family has three members, and the next library may add a fourth.',
    change: {
      edits: [
        { file: TOKENS, find: '      algorithms: [ALGORITHM],\n', replace: '' },
        {
          file: TOKENS,
          find: KEY_OF,
          replace: `({ kid, alg }) => {
        if (alg === 'HS256') throw new errors.JOSEAlgNotAllowed('HS256');
        const { publicKey } = this.keyFor(kid);
        return alg.startsWith('HS')
          ? Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))
          : publicKey;
      },`,
        },
      ],
    },
    opens: ['token-hs384'],
  },
  {
    id: 'token-named-key',
    title: 'Accept a key from the header when its name is in our list',
    why: 'The name is the attacker’s to choose; the list must be asked for the key, not for the name.',
    change: {
      edits: [
        {
          file: TOKENS,
          find: KEY_OF,
          replace:
            '({ kid, jwk }) => jwk && this.keys.find(jwk.kid) ? jwk : this.keyFor(kid).publicKey,',
        },
      ],
    },
    opens: ['token-embedded-key-named'],
  },
  {
    id: 'token-prefixes',
    title: 'Compare how issuer and audience begin',
    why: 'Another service of the house, or another host, begins the same.',
    change: {
      edits: [
        { file: TOKENS, find: '      issuer: config.publicUrl,\n', replace: '' },
        { file: TOKENS, find: '      audience: this.audience,\n', replace: '' },
        {
          file: TOKENS,
          find: '    const { sub, sid, role, iat, exp } = payload;',
          replace: `    const { sub, sid, role, iat, exp, iss = '', aud = '' } = payload;
    if (!iss.startsWith(this.config.publicUrl) || !String(aud).startsWith(this.audience))
      throw new errors.JWTInvalid('not ours');`,
        },
      ],
    },
    opens: ['token-audience-prefix', 'token-issuer-prefix'],
  },
  {
    id: 'token-kind-if-any',
    title: 'Check the kind when the token states one',
    why: 'What leaves it out passes.',
    change: {
      edits: [
        { file: TOKENS, find: '      typ: TYPE,\n', replace: '' },
        {
          file: TOKENS,
          find: '    const { sub, sid, role, iat, exp } = payload;',
          replace: `    if (protectedHeader.typ && protectedHeader.typ !== TYPE) throw new errors.JWTInvalid('kind');
    const { sub, sid, role, iat, exp } = payload;`,
        },
      ],
    },
    opens: ['token-no-kind'],
  },
];
