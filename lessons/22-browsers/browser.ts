import type { Target } from '../engine/target.js';

interface Page {
  /** The origin of the page whose script asks. */
  origin: string;
  /** The address of the person in whose browser the page is open. */
  ip: string;
}

/**
 * What a page reads of a JSON POST to another origin, by the rules that browsers follow (Fetch, CORS
 * protocol, no credentials): nothing, unless the answers name the page's origin.
 */
export async function readFromPage<B>(
  target: Target,
  { origin, ip }: Page,
  path: string,
  body: object,
) {
  const page = target.stranger(`page of ${origin}`, ip);
  const preflight = await page.send('OPTIONS', path, undefined, {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  });
  const headers = preflight.headers.get('access-control-allow-headers') ?? '';
  const maySend = isNamed(preflight.headers, origin) && /\*|content-type/i.test(headers);
  if (preflight.status >= 300 || !maySend) return null;
  const answer = await page.post<B>(path, body, { origin });
  return isNamed(answer.headers, origin) ? answer.body : null;
}

function isNamed(headers: Headers, origin: string): boolean {
  const named = headers.get('access-control-allow-origin');
  return named === '*' || named === origin;
}

/** Whether a cache may keep the answer to a GET that carried a token (RFC 9111 §3, §3.5). */
export function mayKeep(headers: Headers, kind: 'browser' | 'proxy'): boolean {
  const control = headers.get('cache-control') ?? '';
  if (/no-store/.test(control)) return false;
  if (kind === 'browser') return true;
  return !/private/.test(control) && /public|s-maxage|must-revalidate/.test(control);
}
