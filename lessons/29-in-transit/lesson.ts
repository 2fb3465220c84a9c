import type { Change, Control, Lesson, Stack, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const LISTENERS = 'src/listeners.ts';
const LINKS = 'src/config/links.ts';
const IN_CLEAR = 'src/http/in-clear.ts';
const LEAKED = 'src/auth/leaked-tokens.service.ts';
const PLAIN = 'src/http/plain-listener.ts';
const TLS = 'src/http/tls-listener.ts';
const HEADERS = 'src/http/security-headers.ts';

const edit = (file: string, find: string, replace: string): Change => ({
  edits: [{ file, find, replace }],
});

const HSTS = "'strict-transport-security': 'max-age=31536000; includeSubDomains',";
const VERIFIES = "modes[0] === 'verify-full'";

const controls: Control[] = [
  {
    id: 'clear-refused',
    title: 'What a proxy of ours received in clear is refused unread when it holds credentials',
    file: LISTENERS,
    removal: edit(LISTENERS, 'return leaks ? refuse(request, done) : done();', 'return done();'),
    opens: ['clear-bearer', 'clear-bearer-dressed', 'clear-login'],
  },
  {
    id: 'leaked-session-ends',
    title: 'The session of a token that came in clear ends at once',
    file: LEAKED,
    removal: edit(LEAKED, 'if (actor) await this.endOwn(actor);', ''),
    opens: ['clear-bearer', 'clear-bearer-dressed', 'plain-bearer'],
  },
  {
    id: 'plain-notices',
    title: 'The port for plain HTTP notices credentials, and has them ended',
    file: PLAIN,
    removal: edit(PLAIN, 'const inClear = carriesCredentials(request);', 'const inClear = false;'),
    opens: ['plain-bearer'],
  },
  {
    id: 'strict-transport',
    title: 'A browser that has been here speaks TLS to us for a year, wherever it is sent',
    file: HEADERS,
    removal: edit(HEADERS, HSTS, ''),
    opens: ['strip-tls'],
  },
  {
    id: 'tls-suites',
    title: 'Each connection has a key of its own, which is gone with it',
    file: TLS,
    removal: edit(TLS, "ciphers: CIPHERS.join(':'),", "ciphers: 'ALL:@SECLEVEL=0',"),
    opens: ['tls-recorded'],
  },
  {
    id: 'tls-version',
    title: 'TLS 1.2 at the least',
    file: TLS,
    removal: edit(TLS, "minVersion: 'TLSv1.2',", "minVersion: 'TLSv1',"),
    opens: [],
  },
  {
    id: 'tls-ends-somewhere',
    title: 'Production is not reached from elsewhere until somebody has said where TLS ends',
    file: LINKS,
    removal: edit(LINKS, '!isThisMachine(HOST) && !cert && hops === 0', 'false'),
    opens: ['open-to-the-net'],
  },
  {
    id: 'database-verified',
    title: 'The link to the database checks who answers, and not only that it is TLS',
    file: LINKS,
    removal: edit(LINKS, VERIFIES, "modes[0] !== 'disable'"),
    opens: ['impostor-no-verify', 'impostor-require'],
  },
  {
    id: 'node-verifies',
    title: 'Nothing tells Node to believe any certificate',
    file: LINKS,
    removal: edit(LINKS, "env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0'", 'false'),
    opens: ['impostor-node-switch'],
  },
];

/** None of the suites is one of TLS 1.0: either of the two is enough. */
const stacks: Stack[] = [
  { controls: ['tls-suites', 'tls-version'], opens: ['tls-recorded', 'tls-old-version'] },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'redirect-all',
    title: 'Redirect everything to https, as for pages',
    why: 'The token crossed the net before the redirect, does so every time, and nobody notices.',
    change: edit(
      LISTENERS,
      'return leaks ? refuse(request, done) : done();',
      "return leaks ? void _reply.code(308).header('location', config.publicUrl + raw.url).send() : done();",
    ),
    opens: ['clear-bearer', 'clear-bearer-dressed'],
  },
  {
    id: 'first-proto',
    title: 'Take the first entry of X-Forwarded-Proto',
    why: 'The client wrote that one; the proxy added what it saw behind it.',
    change: edit(IN_CLEAR, 'entries.slice(-trustedProxyHops)[0]', 'entries[0]'),
    opens: ['clear-bearer-dressed'],
  },
  {
    id: 'refuse-only',
    title: 'Refuse, and leave the session as it is: the client did nothing wrong',
    why: 'Who listened has the token all the same, and uses it over TLS.',
    change: edit(LISTENERS, 'await app.get(LeakedTokensService).end(request)', 'undefined'),
    opens: ['clear-bearer', 'clear-bearer-dressed', 'plain-bearer'],
  },
  {
    id: 'plain-serves',
    title: 'Serve the API at both ports: old clients cannot do TLS',
    why: 'Then whoever is between an old client and us has its tokens, and its passwords.',
    change: edit(
      LISTENERS,
      'plain.listen(port, config.host);',
      "plain.removeAllListeners('request').on('request', app.getHttpAdapter().getInstance().routing);\n  plain.listen(port, config.host);",
    ),
    opens: ['plain-bearer', 'plain-login'],
  },
  {
    id: 'strict-for-a-while',
    title: 'Begin with five minutes of strict transport, and look whether something breaks',
    why: 'Who was here last week has forgotten it. Begin so, and do not end so.',
    change: edit(HEADERS, HSTS, HSTS.replace('31536000', '300')),
    opens: ['strip-tls'],
  },
  {
    id: 'tls-compatible',
    title: 'Take the suites of an article on compatibility: they are as long, and many',
    why: 'With some of them the key of the certificate is the key of every connection there ever was.',
    change: edit(
      TLS,
      "ciphers: CIPHERS.join(':'),",
      "ciphers: 'HIGH:!aNULL:!MD5', // as in a thousand articles",
    ),
    opens: ['tls-recorded'],
  },
  {
    id: 'sslmode-require',
    title: 'Take sslmode=require, too: it is TLS',
    why: 'It asks for TLS and not for whom with: anybody can make himself a certificate.',
    change: edit(LINKS, VERIFIES, "/^(require|verify-full)$/.test(modes[0] ?? '')"),
    opens: ['impostor-require'],
  },
  {
    id: 'reject-unauthorized-false',
    title: 'Set rejectUnauthorized to false: it said that the certificate cannot be verified',
    why: 'That was Mallory’s certificate.',
    change: {
      edits: [
        {
          file: 'src/database/data-source-options.ts',
          find: 'url: config.databaseUrl,',
          replace: "url: config.databaseUrl.replace('verify-full', 'no-verify'),",
        },
        {
          file: 'src/access/revocation-feed.ts',
          find: 'connectionString: this.config.databaseUrl,',
          replace: "connectionString: this.config.databaseUrl.replace('verify-full', 'no-verify'),",
        },
      ],
    },
    opens: ['impostor-verified'],
  },
];

export const lesson: Lesson = {
  folder: '29-in-transit',
  title: 'In transit',
  claim:
    'What crosses a net does so over TLS, to whom it is meant for; a token that did not is worth nothing a moment later.',
  asvs: ['3.4.1', '4.1.2', '12.1.1', '12.1.2', '12.2.1', '12.3.1', '12.3.2'],
  api: ['API2:2023', 'API8:2023'],
  attacks,
  controls,
  stacks,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    await target.resource(ada);
  },
};
