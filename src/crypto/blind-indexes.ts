import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { Config } from '../config/config.js';

/**
 * Keyed hashes of what is sealed and must be found. A plain hash of an address is no secret: whoever has
 * a list of addresses hashes it, too.
 */
@Injectable()
export class BlindIndexes {
  constructor(private readonly config: Config) {}

  /** Of an address in the one form in which addresses are compared: see `@Email()`. */
  email(email: string): Buffer {
    return createHmac('sha256', this.config.keys.emailIndex).update(email).digest();
  }

  /** Of a request that must come back the same. */
  request(request: object): Buffer {
    return createHmac('sha256', this.config.keys.request).update(JSON.stringify(request)).digest();
  }
}
