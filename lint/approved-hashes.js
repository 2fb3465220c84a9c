// Hashes are of the SHA-2 family, by a name that stands in the source (ASVS 11.4.1).

/** Functions of node:crypto whose first argument names a hash. */
const HASHERS = new Set([
  'createHash',
  'createHmac',
  'createSign',
  'createVerify',
  'hkdf',
  'hkdfSync',
]);
const APPROVED = new Set(['sha256', 'sha384', 'sha512']);
/** Wherever they are named: `sign`, `pbkdf2` and WebCrypto take them, too. */
const BROKEN = /^(rsa-)?(md[2-5]|sha-?1|ripemd(160)?|rmd160)$/i;

export default {
  meta: {
    messages: {
      unapproved: 'Name an approved hash here: sha256, sha384 or sha512.',
      broken: "'{{name}}' is broken: use sha256, sha384 or sha512.",
    },
  },
  /** @param {any} context */
  create(context) {
    return {
      /** @param {any} node */
      CallExpression(node) {
        const name = node.callee.property?.name ?? node.callee.name;
        const [hash] = node.arguments;
        if (HASHERS.has(name) && !APPROVED.has(hash?.value))
          context.report({ node, messageId: 'unapproved' });
      },
      /** @param {any} node */
      Literal(node) {
        if (typeof node.value === 'string' && BROKEN.test(node.value))
          context.report({ node, messageId: 'broken', data: { name: node.value } });
      },
    };
  },
};
