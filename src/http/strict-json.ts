import { Problem } from './problem.js';

export const MAX_DEPTH = 20;
/** Validation looks at each: all that fit into a body took a quarter of a second, in which nobody else is served. */
export const MAX_NAMES = 1_000;
/**
 * Names by which a careless merge reaches a prototype, or hides what every object inherits: a check
 * that asks `hasOwnProperty` or `toString` would ask the attacker's.
 */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  'prototype',
  ...Object.getOwnPropertyNames(Object.prototype),
]);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * JSON that means one thing to everybody (RFC 8259 and I-JSON, RFC 7493): valid UTF-8, every name
 * once, no name that reaches a prototype, bounded depth and number of names, and only text that PostgreSQL can store.
 */
export function parseStrictJson(body: Buffer): unknown {
  const text = decode(body);
  const value = parse(text);
  checkNames(text);
  checkTexts(value);
  return value;
}

function decode(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new Problem('malformed_json', { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the body, and the body may hold a password: no cause.
    throw new Problem('malformed_json');
  }
}

/** Brackets, and strings with the colon that makes them names. The text is known to be valid JSON. */
const TOKENS = /[{}[\]]|"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*(:))?/g;

/** JSON.parse keeps the last of two equal names, another reader the first: neither is accepted. */
function checkNames(text: string): void {
  const open: Set<string>[] = [];
  let names = 0;
  for (const [token, colon] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > MAX_DEPTH) throw new Problem('too_deep');
    } else if (token === '}' || token === ']') open.pop();
    else if (colon) addName(open.at(-1), token, (names += 1));
  }
}

function addName(names: Set<string> | undefined, token: string, count: number): void {
  if (count > MAX_NAMES) throw new Problem('too_many_names');
  const name = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
  if (FORBIDDEN_KEYS.has(name)) throw new Problem('forbidden_key');
  if (names?.has(name)) throw new Problem('duplicate_key');
  names?.add(name);
}

function checkTexts(value: unknown): void {
  if (typeof value === 'string') checkText(value);
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    checkText(name);
    checkTexts(part);
  }
}

/** PostgreSQL refuses NUL in text, and half a surrogate pair would be stored as something else. */
export function checkText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw new Problem('forbidden_character');
}
