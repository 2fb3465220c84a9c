import { Problem } from './problem.js';
import { checkText, FORBIDDEN_KEYS } from './strict-json.js';

export const MAX_URL_LENGTH = 2_048;

/** Refuses an URL that two readers could understand in two ways, before anything is routed by it. */
export function checkUrl(url: string): void {
  if (url.length > MAX_URL_LENGTH) throw new Problem('url_too_long');
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
