import type { Policy } from './policy.js';
import type { Fault, Project } from './project.js';

/** Files that hold secrets by their nature. */
const SECRET_FILE =
  /(?:^|\/)(?:\.env(?:\.(?!example$)[\w.-]+)?|\.netrc|\.pgpass|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:pem|key|p12|pfx|jks))$/;

const RULES: Record<string, RegExp> = {
  'a private key': /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/g,
  'a private JWK': /(["']?)\b(?:d|k)\1\s*:\s*["'][\w-]{32,}["']/g,
  'a signed token': /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{40,}/g,
  'the hash of a password': /\$(?:argon2(?:id|i|d)\$v=\d+\$[\w=,]+|2[aby]\$\d\d)\$[\w+/.$]{40,}/g,
  'a token of AWS': /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  'a token of GitHub': /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{50,})/g,
  'a token of GitLab': /\bglpat-[\w-]{20,}/g,
  'a token of npm':
    /\bnpm_[A-Za-z0-9]{36}\b|(?:^|:)_(?:authToken|auth|password)\s*=\s*[^\s$]{8,}/gm,
  'a token of Google': /\bAIza[\w-]{35}|\bGOCSPX-[\w-]{28}/g,
  'a token of Slack': /\bxox[abeprs]-[\w-]{10,}|hooks\.slack\.com\/services\/T\w+\/B\w+\/\w{20,}/g,
  'a token of Stripe': /\b[rs]k_live_\w{20,}|\bwhsec_\w{30,}/g,
  'a token of a mail service': /\bSG\.[\w-]{20,}\.[\w-]{40,}|\bkey-[0-9a-f]{32}\b/g,
  'a token of an AI service': /\bsk-(?:ant-|proj-)?[\w-]{40,}/g,
};
/** The name of a secret and a value of one word, quoted or to the end of its line. */
const ASSIGNED =
  /(?:secret|passw(?:or)?d|token|credential|(?:api|private|access|signing|encryption|master)_?key)\w*["']?\s*[:=]\s*(?:["'`]([\w+/=.-]{24,})["'`]|([\w+/=-]{24,})[ \t]*$)/gim;
const IN_URL = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@'"`<>]*:([^\s/@'"`<>]+)@([\w.${}-]*)/gi;
/** What a reader puts in by himself, and hosts that are nobody's (RFC 2606) or everybody's own. */
const PLACEHOLDER = /[${}]|^password$/i;
const NOBODYS =
  /(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$|^127\.0\.0\.1$|\$\{/;
/** What nobody typed: random hexadecimal digits, or more bits a letter than words and names have. */
const RANDOM_HEX = /^[0-9a-f]{32,}$/i;
const MIN_ENTROPY_BITS = 3.9;
/** Where exceptions stand, so that they are not what keeps them. */
const EXCEPTIONS = 'scripts/supply-chain/policy.ts';

/** Who reads the repository reads its secrets, in every copy and for ever. */
export function secretFaults({ files }: Project, policy: Policy): Fault[] {
  const found = [...files].flatMap(([file, text]) => [
    ...(SECRET_FILE.test(file) ? [{ file, line: 1, kind: 'a file for secrets', text: file }] : []),
    ...secretsIn(file, text),
  ]);
  const stale = Object.keys(policy.noSecrets).filter(
    (text) => !found.some((one) => one.text === text && one.file !== EXCEPTIONS),
  );
  return [
    ...found
      .filter(({ text }) => !Object.hasOwn(policy.noSecrets, text))
      // The fault does not show the secret: the logs of CI are read by more people.
      .map(({ file, line, kind }) => ({
        what: `${file}:${line} has ${kind}`,
        cure: 'revoke it where it is from, then take it out; if it is none, say so in the policy',
      })),
    ...stale.map((text) => ({
      what: `"${text}" stands nowhere`,
      cure: 'remove it from the policy',
    })),
  ];
}

function secretsIn(file: string, text: string) {
  const places = Object.entries(RULES).flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)].map((match) => ({ kind, match })),
  );
  const assigned = [...text.matchAll(ASSIGNED)].filter(([, quoted, bare = '']) =>
    isRandom(quoted ?? bare),
  );
  const urls = [...text.matchAll(IN_URL)].filter(
    ([, password = '', host = '']) => !PLACEHOLDER.test(password) && !NOBODYS.test(host),
  );
  return [
    ...places,
    ...assigned.map((match) => ({ kind: 'a random value with the name of a secret', match })),
    ...urls.map((match) => ({ kind: 'a password in a URL', match })),
  ].map(({ kind, match }) => ({
    file,
    kind,
    text: match[0],
    line: text.slice(0, match.index).split('\n').length,
  }));
}

function isRandom(value: string): boolean {
  if (!/\d/.test(value) || !/[a-z]/i.test(value)) return false;
  if (RANDOM_HEX.test(value)) return true;
  const counts = Map.groupBy(value, (letter) => letter);
  const shares = [...counts.values()].map((letters) => letters.length / value.length);
  return -shares.reduce((sum, share) => sum + share * Math.log2(share), 0) >= MIN_ENTROPY_BITS;
}
