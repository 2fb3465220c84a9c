import { Problem } from './problem.js';
import { checkText, FORBIDDEN_KEYS } from './strict-json.js';

/**
 * The longest list that may be asked for fits, or its `nextCursor` could not be used: 3,741 characters
 * are /v1/resources with a cursor of 2,000, a title of 100 emoji and a label of 40, each of them 12
 * characters when escaped. A quarter of what the headers may have, the URL included.
 */
export const MAX_URL_LENGTH = 4_096;

/** Refuses an URL that two readers could understand in two ways, before anything is routed by it. */
export function checkUrl(url: string): void {
  if (url.length > MAX_URL_LENGTH) throw new Problem('url_too_long');
  // The router takes "#" for "?", so that a query behind it would go unchecked (RFC 9112 §3.2 has none).
  if (url.includes('#')) throw new Problem('malformed_url');
  const start = url.indexOf('?');
  if (url.includes('%')) checkText(decodeAll(start < 0 ? url : url.slice(0, start)));
  if (start >= 0) checkQuery(url.slice(start + 1));
}

/** Each name once (no parameter pollution), every escape valid UTF-8. */
function checkQuery(query: string): void {
  const names = new Set<string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const [name = ''] = part.split('=', 1);
    const decoded = decodeAll(name);
    checkText(decodeAll(part));
    if (FORBIDDEN_KEYS.has(decoded)) throw new Problem('forbidden_key');
    if (names.has(decoded)) throw new Problem('duplicate_key');
    names.add(decoded);
  }
}

function decodeAll(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new Problem('malformed_url', { cause });
  }
}
