import { isIP } from 'node:net';

const MAX_AGE = /(?:^|;)\s*max-age\s*=\s*"?(\d+)/i;

/**
 * What a browser remembers of the hosts that are not to be spoken to in clear, by the rules that browsers
 * follow (RFC 6797 §8). Times in seconds.
 */
export class HostsOfTls {
  private readonly endOf = new Map<string, number>();

  /** Of an answer; one that came in clear, or from an address that is a number, tells nothing (§8.1). */
  hear(url: string, headers: Headers, now: number): void {
    const { protocol, hostname } = new URL(url);
    const [, maxAge] = MAX_AGE.exec(headers.get('strict-transport-security') ?? '') ?? [];
    if (maxAge && protocol === 'https:' && !isIP(hostname))
      this.endOf.set(hostname, now + Number(maxAge));
  }

  /** Where the browser goes when somebody sends it there (§8.3). */
  goesTo(url: string, now: number): string {
    const isKnown = (this.endOf.get(new URL(url).hostname) ?? now) > now;
    return isKnown ? url.replace(/^http:/, 'https:') : url;
  }
}
