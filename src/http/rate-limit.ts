import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isIPv4 } from 'node:net';
import { addressOf } from './client-address.js';
import { Problem } from './problem.js';
import { RateLimiter, type Quota } from './rate-limiter.js';
import { routeConfig } from './route-config.js';

export interface Limits {
  perIp: number;
  perUser?: number;
}

/** Requests a minute, for one source address and, once known, for one user. */
export const RATE_LIMITS = {
  public: { perIp: 600 },
  read: { perIp: 1_200, perUser: 600 },
  write: { perIp: 300, perUser: 120 },
  /** Guessing passwords or tokens. Accounts have counters of their own, in the database. */
  credentials: { perIp: 30 },
} as const satisfies Record<string, Limits>;

export type RateLimitClass = keyof typeof RATE_LIMITS;
export const RATE_LIMIT = 'bulwark:rate-limit';

/** One limiter a class: no request has to put a key together. */
export const limiterPerClass = () =>
  Object.fromEntries(Object.keys(RATE_LIMITS).map((name) => [name, new RateLimiter()])) as Record<
    RateLimitClass,
    RateLimiter
  >;

/** Which budget this route draws from. Every route has one, or the app does not start. */
export const RateLimit = (rateLimit: RateLimitClass) =>
  applyDecorators(SetMetadata(RATE_LIMIT, rateLimit), routeConfig({ rateLimit }));

/** Tells the client where it stands (draft-ietf-httpapi-ratelimit-headers) or stops it. */
export function applyQuota(reply: FastifyReply, name: string, quota: Quota): void {
  const { limit, remaining, resetSeconds, waitSeconds } = quota;
  void reply.header('ratelimit-policy', `"${name}";q=${limit};w=60`);
  void reply.header('ratelimit', `"${name}";r=${remaining};t=${resetSeconds}`);
  if (waitSeconds > 0) throw new Problem('rate_limited', { retryAfterSeconds: waitSeconds });
}

/**
 * One subscriber holds a whole IPv6 /64, so that counts as one source. What is no address shares one
 * budget: otherwise each new text would have one of its own.
 */
export function sourceOf(ip: string): string {
  const address = addressOf(ip);
  if (address === null) return 'unknown';
  return isIPv4(address) ? address : networkOf(address);
}

/**
 * Enough of an address for its owner to recognize a place by, and too little to find him: an IPv4 /24,
 * an IPv6 /48. Null for what is no address.
 */
export function placeOf(ip: string): string | null {
  const source = sourceOf(ip);
  if (isIPv4(source)) return source.replace(/\d+$/, '0/24');
  return source.includes(':') ? `${source.split(':').slice(0, 3).join(':')}::/48` : null;
}

/** The first four of eight groups, however the address was abbreviated. */
function networkOf(ip: string): string {
  const [head = '', tail = ''] = ip.split('::');
  const first = head.split(':').filter(Boolean);
  const last = tail.split(':').filter(Boolean);
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  const groups = [...first, ...zeros, ...last].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
