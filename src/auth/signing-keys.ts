import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { Config } from '../config/config.js';
import type { SigningKey } from '../config/secrets.js';

const WATCH_INTERVAL_MS = 2_000;

/**
 * The live keys: the first signs, all verify. When they came from a file and the file changes, they
 * are read again, so that a rotation needs no restart: add the new key second, then put it first,
 * then drop the old one after the longest life of an access token.
 */
@Injectable()
export class SigningKeys implements OnApplicationShutdown {
  private readonly logger = new Logger(SigningKeys.name);
  private keys: readonly SigningKey[];
  private readonly watch = () => this.reload();

  constructor(private readonly config: Config) {
    this.keys = config.signingKeys;
    const file = config.signingKeysFile;
    if (file) watchFile(file, { interval: WATCH_INTERVAL_MS, persistent: false }, this.watch);
  }

  onApplicationShutdown(): void {
    if (this.config.signingKeysFile) unwatchFile(this.config.signingKeysFile, this.watch);
  }

  get current(): SigningKey {
    const [first] = this.keys;
    if (!first) throw new Error('There is no signing key');
    return first;
  }

  get all(): readonly SigningKey[] {
    return this.keys;
  }

  /** A `kid` is looked up in this list and nowhere else: no path, no URL, no query (RFC 8725 §3.10). */
  find(kid: string | undefined): SigningKey | undefined {
    return this.keys.find((key) => key.kid === kid);
  }

  /** A file that is half written or wrong changes nothing. */
  private reload(): void {
    try {
      this.keys = this.config.readKeys(readFileSync(this.config.signingKeysFile ?? '', 'utf8'));
      this.logger.warn(`signing keys are now ${this.keys.map((key) => key.kid).join(', ')}`);
    } catch (error) {
      this.logger.error(`signing keys stay as they are: ${(error as Error).message}`);
    }
  }
}
