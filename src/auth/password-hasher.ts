import { Injectable } from '@nestjs/common';
import { hash, verify, type Options } from '@node-rs/argon2';
import { availableParallelism } from 'node:os';
import { Problem } from '../http/problem.js';
import { BreachedPasswordsService } from './breached-passwords.service.js';

/** Argon2id, the least that ASVS 11.4.2 accepts: 19 MiB, two passes, one lane. */
export const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } satisfies Options;
const { memoryCost, timeCost, parallelism } = PARAMETERS;
/** How every hash of today begins. */
const HEAD = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`;
/** Of libuv's four threads: signatures are checked and files are read on them, too. */
const MAX_THREADS = 3;
/** All that the cores can do, and no more: the event loop gets its turn. `npm run bench` shows both. */
const MAX_AT_ONCE = Math.min(MAX_THREADS, availableParallelism());
/** Some two seconds of work. Whoever comes after that is told to come back (ASVS 15.2.2). */
export const MAX_WAITING = 64;
const RETRY_SECONDS = 2;

/** Hashes off the event loop, a bounded number at once; throws `overloaded` when too many wait. */
@Injectable()
export class PasswordHasher {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  /** The hash of nothing that anybody knows: verified for unknown users, so that time tells nothing. */
  private readonly decoy = hash(crypto.randomUUID(), PARAMETERS);

  /** Commands, which make random passwords, ask no list. */
  constructor(private readonly breached?: BreachedPasswordsService) {}

  /** Of a new password: the one way to keep one. Throws `weak_password` when a breach has told it. */
  async hash(password: string, at?: string): Promise<string> {
    await this.breached?.refuse(password, at);
    return this.hashAgain(password);
  }

  /** Of a password that was right just now. */
  hashAgain(password: string): Promise<string> {
    return this.bounded(() => hash(normalize(password), PARAMETERS));
  }

  /** Whether it was made with other parameters than today's. */
  isOutdated = (passwordHash: string): boolean => !passwordHash.startsWith(HEAD);

  /** The same work with and without a stored hash (ASVS 6.3.8). */
  async verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    const stored = passwordHash ?? (await this.decoy);
    const matches = await this.bounded(() => verify(stored, normalize(password)));
    return matches && passwordHash !== undefined;
  }

  private async bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < MAX_AT_ONCE) this.running += 1;
    else await this.turn();
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or is given back.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }

  private turn(): Promise<void> {
    if (this.waiting.length >= MAX_WAITING)
      throw new Problem('overloaded', { retryAfterSeconds: RETRY_SECONDS });
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

/** One person, two keyboards: the same characters may arrive as different code points (NIST 800-63B). */
const normalize = (password: string) => password.normalize('NFKC');
