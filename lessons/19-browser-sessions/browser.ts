import type { Answer } from '../../test/support/client.js';
import type { TracingClient } from '../engine/target.js';

/** What the page that asks is to the host of the API, as the browser itself says. */
export type Page = 'same-origin' | 'same-site' | 'cross-site';

interface Cookie {
  name: string;
  value: string;
  rules: string[];
}

/**
 * The cookies of one browser for the host of the API, kept and sent by the rules that browsers follow
 * (RFC 6265bis). A neighbour is a page of another host of the same site, blog.example.com to
 * api.example.com.
 */
export class Browser {
  private cookies: Cookie[] = [];

  constructor(
    private readonly client: TracingClient,
    /** Those of before 2023 overlook a prefix in a cookie that has no name. */
    private readonly isOld = false,
  ) {}

  /** What the script of a page sends, cookies included, and what the browser says of the page. */
  async post<B>(
    page: Page,
    path: string,
    body?: object,
    said: Record<string, string> = { 'sec-fetch-site': page },
  ): Promise<Answer<B>> {
    const cookie = this.sentFrom(page).map(toText).join('; ');
    const answer = await this.client.post<B>(path, body, { ...said, ...(cookie && { cookie }) });
    for (const line of answer.headers.getSetCookie()) this.set(line);
    return answer;
  }

  /** What a page of the API's own host sets. */
  set(line: string): void {
    const cookie = parse(line);
    const isHostOnly = !cookie.rules.some((rule) => rule.startsWith('Domain='));
    const isBound = isHostOnly && has(cookie, 'Secure') && has(cookie, 'Path=/');
    if (cookie.name.startsWith('__Host-') && !isBound) return;
    const isSame = (known: Cookie) => known.name === cookie.name && has(known, 'Path=/');
    this.cookies = [...this.cookies.filter((known) => !isSame(known)), cookie];
  }

  /** What a neighbour's page sets for the whole site: before the others, as its path is longer. */
  setByNeighbour(pair: string): void {
    const line = `${pair}; Path=/v1/auth; Domain=example.com; Secure`;
    const cookie = parse(line);
    if (cookie.name.startsWith('__Host-')) return;
    if (!cookie.name && !this.isOld) return;
    this.cookies = [cookie, ...this.cookies];
  }

  /** `document.cookie` in a page of the API's own host. */
  get readableByScripts(): string[] {
    return this.cookies.filter((cookie) => !has(cookie, 'HttpOnly')).map(({ value }) => value);
  }

  /** What travels unencrypted when somebody on the way has the browser load http://api.example.com. */
  get sentInClear(): string[] {
    return this.cookies.filter((cookie) => !has(cookie, 'Secure')).map(({ value }) => value);
  }

  get all(): string {
    return this.cookies.map(toText).join('; ');
  }

  private sentFrom(page: Page): Cookie[] {
    return this.cookies.filter((cookie) => page !== 'cross-site' || has(cookie, 'SameSite=None'));
  }
}

const has = ({ rules }: Cookie, rule: string) => rules.includes(rule);
const toText = ({ name, value }: Cookie) => (name ? `${name}=${value}` : value);

function parse(line: string): Cookie {
  const [pair = '', ...rules] = line.split('; ');
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), rules };
}
