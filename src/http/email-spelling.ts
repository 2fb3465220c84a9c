import { domainToASCII } from 'node:url';

/** Longer than any address, and short enough to be normalized: that takes the square of it. */
const MAX_RAW_EMAIL = 1_016;
/** RFC 5322 §3.2.4: what needs no quotes means the same without them. */
const NEEDLESS_QUOTES = /^"([^\s"(),:;<>@[\\\].]+(?:\.[^\s"(),:;<>@[\\\].]+)*)"(?=@)/u;
const DOMAIN = /(?<=@)[\p{L}\p{M}\p{N}.-]+$/u;

/** Of two spellings that lead to one mailbox, the one that mail servers know. */
const oneSpelling = (address: string) =>
  address
    .replace(NEEDLESS_QUOTES, '$1')
    .replace(DOMAIN, (domain) => domainToASCII(domain) || domain);

/** An address in the one form in which it is compared. What is none comes out as something that is none. */
export const spellEmail = (text: string): string =>
  // Once more at the end: lower case can take a character apart.
  text.length > MAX_RAW_EMAIL
    ? text
    : oneSpelling(text.normalize('NFKC').trim().toLowerCase().normalize('NFKC'));
