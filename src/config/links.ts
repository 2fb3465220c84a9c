import type { Environment, Values } from './environment.js';

export type Rule = [isBroken: boolean | undefined, fault: string];

export const isThisMachine = (hostname: string) =>
  /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/.test(hostname);

/** How production reaches PostgreSQL, also to migrate it. */
export function databaseRules(values: Values, env: Environment): Rule[] {
  const links = (['DATABASE_URL', 'DATABASE_OWNER_URL'] as const).map((name): Rule => {
    const url = values[name];
    const isBroken = url !== undefined && !isDatabaseLinkSafe(url);
    return [isBroken, `${name} leaves this machine without TLS: add ?sslmode=verify-full`];
  });
  return [
    ...links,
    // Node's own switches: verify-full would verify nothing, or be read by whoever has a file.
    [
      env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0',
      'NODE_TLS_REJECT_UNAUTHORIZED accepts any certificate: take it away',
    ],
    [
      // Node takes "_" for "-".
      /--tls[-_](keylog|min[-_]v1\.[01]\b)/.test(nodeFlags(env)),
      'NODE_OPTIONS or the command line weakens TLS: take --tls-keylog and --tls-min-v1.0 or 1.1 away',
    ],
  ];
}

export const nodeFlags = ({ NODE_OPTIONS: options = '' }: Environment): string =>
  [options, ...process.execArgv].join(' ');

/** sslmode "require" and "prefer" accept any certificate, so only verify-full counts (ASVS 12.3.2). */
function isDatabaseLinkSafe(databaseUrl: string): boolean {
  const url = new URL(databaseUrl);
  const moved = url.searchParams.has('host') || url.searchParams.has('hostaddr');
  const modes = url.searchParams.getAll('sslmode');
  return (
    (isThisMachine(url.hostname) && !moved) || (modes.length === 1 && modes[0] === 'verify-full')
  );
}

export function mailRules({ SMTP_URL: smtpUrl, MAIL_FROM: from }: Values): Rule[] {
  return [
    [!smtpUrl, 'SMTP_URL is missing: set SMTP_URL, or SMTP_URL_FILE to a file that holds it'],
    [
      smtpUrl !== undefined && !isMailLinkSafe(new URL(smtpUrl)),
      'SMTP_URL leaves this machine without TLS: use smtps://, or add ?requireTLS=true',
    ],
    [from.endsWith('@localhost'), 'MAIL_FROM is missing: set it to an address of yours'],
  ];
}

/** Without requireTLS, who stands in between answers that there is no TLS, and reads along (RFC 8314). */
const isMailLinkSafe = ({ protocol, hostname, searchParams }: URL): boolean =>
  protocol === 'smtps:' || searchParams.has('requireTLS') || isThisMachine(hostname);

/** In this process, or at a proxy of ours: in production somebody must have said so (ASVS 12.2.1). */
export function whereTlsEnds({
  HOST,
  TLS_CERT_FILE: cert,
  TRUSTED_PROXY_HOPS: hops,
}: Values): Rule {
  return [
    !isThisMachine(HOST) && !cert && hops === 0,
    'HOST opens the app to other machines without TLS: set TLS_CERT_FILE and TLS_KEY_FILE, or ' +
      'TRUSTED_PROXY_HOPS to the number of your proxies, which end TLS',
  ];
}

export function listenerRules(values: Values): Rule[] {
  const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, HTTP_PORT: httpPort } = values;
  if (!cert)
    return [
      [Boolean(key), 'TLS_CERT_FILE is missing: name the file that TLS_KEY_FILE is the key of'],
      [
        httpPort !== undefined,
        'HTTP_PORT is for a listener that ends TLS: set TLS_CERT_FILE, or take it away',
      ],
    ];
  return [
    [!key, 'TLS_KEY_FILE is missing: name the file with the key of TLS_CERT_FILE'],
    [
      values.HOST === 'localhost',
      'HOST must be an address beside TLS_CERT_FILE, such as 127.0.0.1: localhost is two of them',
    ],
    [
      !values.PUBLIC_URL.startsWith('https:'),
      'PUBLIC_URL must start with https:// beside TLS_CERT_FILE',
    ],
  ];
}

export const brokenRules = (rules: Rule[]) =>
  rules.filter(([isBroken]) => isBroken).map(([, fault]) => fault);
