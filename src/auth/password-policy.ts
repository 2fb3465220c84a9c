import common from '@zxcvbn-ts/language-common';
import { Problem } from '../http/problem.js';

/** NIST SP 800-63B-4 §3.1.1.2: fifteen while the password is the only factor. In characters. */
export const MIN_LENGTH = 15;
/** With a second factor beside it. */
export const MIN_LENGTH_WITH_FACTOR = 8;
export const MAX_LENGTH = 128;
/** Fewer different characters than this is a pattern, not a password. */
const MIN_DISTINCT = 5;
const MIN_PART = 3;
const MAX_PARTS = 2;

/** Some 49,000 passwords that people really use, most used first (ASVS 6.2.4 asks for 3,000). */
const COMMON: ReadonlySet<string> = new Set(common.dictionary['passwords-common']);

/** As it is kept. `isShort`: good enough only while there is a second factor. */
export interface NewPassword {
  hash: string;
  isShort: boolean;
}

/** Whose password it is to be. */
interface Owner {
  email: string;
  hasSecondFactor?: boolean;
}

/** Throws `weak_password`, with the reason. All of Unicode is welcome, no composition is asked for. */
export function checkPassword(password: string, owner: Owner, at = '/password'): void {
  const minimum = owner.hasSecondFactor ? MIN_LENGTH_WITH_FACTOR : MIN_LENGTH;
  const reason = weakness(password, owner.email, minimum);
  if (reason)
    throw new Problem('weak_password', {
      errors: [{ at, rule: reason[0], message: reason[1] }],
    });
}

/** Whether the password may not be the only factor. */
export const isShort = (typed: string) => effortOf(typed) < MIN_LENGTH;

const normalize = (typed: string) => typed.normalize('NFKC');
const lengthOf = (text: string) => Array.from(text).length;

/** One typed ligature can stand for eighteen letters (U+FDFA): that is still one to guess. */
const effortOf = (typed: string) => Math.min(lengthOf(normalize(typed)), lengthOf(typed));

function weakness(
  typed: string,
  email: string,
  minimum: number,
): [rule: string, message: string] | undefined {
  const password = normalize(typed);
  if (effortOf(typed) < minimum) return ['tooShort', `must have ${minimum} characters or more`];
  if (lengthOf(password) > MAX_LENGTH)
    return ['tooLong', `must have ${MAX_LENGTH} characters at the most`];
  const plain = password.toLowerCase();
  if (Math.min(new Set(plain).size, new Set(typed).size) < MIN_DISTINCT)
    return ['tooSimple', 'repeats too few characters'];
  const [account = ''] = email.split('@');
  const rest = withoutContext(plain, [email, account, 'bulwark']);
  if (rest.length < MIN_PART) return ['tooPersonal', 'is made of your address or our name'];
  if (isCommon(repeatedUnit(rest)) || isCommon(rest)) return ['common', 'is too common'];
  return undefined;
}

function withoutContext(password: string, words: string[]): string {
  return words
    .filter((word) => word.length >= MIN_PART)
    .reduce((rest, word) => rest.replaceAll(word, ''), password);
}

/** "abcabcabc" is no better than "abc". */
function repeatedUnit(text: string): string {
  const period = (text + text).indexOf(text, 1);
  return text.slice(0, period);
}

/** Common itself, or a common password after another ("password123456789"). */
function isCommon(text: string, parts = MAX_PARTS): boolean {
  if (text.length < MIN_PART || COMMON.has(text)) return true;
  if (parts === 1) return false;
  for (let end = MIN_PART; end < text.length; end += 1) {
    if (COMMON.has(text.slice(0, end)) && isCommon(text.slice(end), parts - 1)) return true;
  }
  return false;
}
