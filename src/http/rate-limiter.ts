import { BoundedMap } from './bounded-map.js';

const WINDOW_MS = 60_000;
const MAX_KEYS = 100_000;

export interface Quota {
  limit: number;
  remaining: number;
  resetSeconds: number;
  /** 0 when the request may pass. */
  waitSeconds: number;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a key says when its budget will be whole
 * again. Constant time and memory a key, no window edge at which the budget doubles.
 */
export class RateLimiter {
  private readonly wholeAt = new BoundedMap<string, number>(MAX_KEYS);

  /** Takes one of `limit` requests a minute from the budget of `key`. */
  take(key: string, limit: number, now = performance.now()): Quota {
    const cost = WINDOW_MS / limit;
    const wholeAt = Math.max(this.wholeAt.get(key) ?? now, now) + cost;
    const debt = wholeAt - now;
    const waitSeconds = Math.max(0, debt - WINDOW_MS) / 1_000;
    // A refused request costs nothing: hammering does not push the end of the wait away.
    if (waitSeconds === 0) this.wholeAt.set(key, wholeAt);
    const remaining = Math.max(0, Math.floor((WINDOW_MS - debt) / cost));
    return { limit, remaining, resetSeconds: Math.ceil(debt / 1_000), waitSeconds };
  }
}
