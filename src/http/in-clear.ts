import type { IncomingHttpHeaders } from 'node:http';

const WITHOUT_SECRETS = new Set(['GET', 'HEAD', 'OPTIONS']);

interface Message {
  method?: string;
  headers: IncomingHttpHeaders;
}

/** Whether who listens gains by it: a token, a cookie, or a body, which may hold a password. */
export const carriesCredentials = ({ method = '', headers }: Message): boolean =>
  headers.authorization !== undefined ||
  headers.cookie !== undefined ||
  !WITHOUT_SECRETS.has(method);

/**
 * Whether the outermost of our own proxies says that the client spoke to it without TLS. What stands
 * before the entries of our proxies was written by the client, and is not believed (ASVS 4.1.3).
 */
export function cameInClear({ headers }: Message, trustedProxyHops: number): boolean {
  const said = headers['x-forwarded-proto'];
  if (trustedProxyHops === 0 || said === undefined) return false;
  const entries = String(said).split(',');
  return entries.slice(-trustedProxyHops)[0]?.trim().toLowerCase() !== 'https';
}
