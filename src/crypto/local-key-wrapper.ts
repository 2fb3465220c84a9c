import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { Config } from '../config/config.js';
import type { EncryptionKey } from '../config/secrets.js';
import { KeyWrapper, type KeyContext, type WrappedKey } from './key-wrapper.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const TAG = { authTagLength: TAG_BYTES };

const WATCH_INTERVAL_MS = 2_000;
const READ_AGAIN_MS = 1_000;

/**
 * The key-encryption keys of ENCRYPTION_KEYS: the first wraps, the others unwrap what they wrapped. From a
 * file they are read again when it changes, and at once when a key is not among them.
 */
@Injectable()
export class LocalKeyWrapper extends KeyWrapper implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(LocalKeyWrapper.name);
  private keys: readonly EncryptionKey[];
  private readAt = Number.NEGATIVE_INFINITY;
  private readonly watch = () => this.reload();

  constructor(private readonly config: Config) {
    super();
    this.keys = config.encryptionKeys;
  }

  onModuleInit(): void {
    const file = this.config.encryptionKeysFile;
    if (file) watchFile(file, { interval: WATCH_INTERVAL_MS, persistent: false }, this.watch);
  }

  onApplicationShutdown(): void {
    const file = this.config.encryptionKeysFile;
    if (file) unwatchFile(file, this.watch);
  }

  wrap(key: Buffer, context: KeyContext): Promise<WrappedKey> {
    const [{ kid, key: kek }] = this.keys as [EncryptionKey];
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, kek, nonce, TAG).setAAD(aadOf(kid, context));
    const body = Buffer.concat([cipher.update(key), cipher.final()]);
    return Promise.resolve({
      wrapped: Buffer.concat([nonce, cipher.getAuthTag(), body]),
      kek: kid,
    });
  }

  async unwrap({ wrapped, kek: kid }: WrappedKey, context: KeyContext): Promise<Buffer> {
    const known = this.find(kid) ?? this.findInFile(kid);
    if (!known) throw new Error(`ENCRYPTION_KEYS has no key "${kid}"`);
    const nonce = wrapped.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(ALGORITHM, known.key, nonce, TAG);
    decipher.setAAD(aadOf(kid, context));
    decipher.setAuthTag(wrapped.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const body = wrapped.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  }

  current(): string {
    return (this.keys as [EncryptionKey])[0].kid;
  }

  private find(kid: string): EncryptionKey | undefined {
    return this.keys.find((key) => key.kid === kid);
  }

  /** A rotation has begun elsewhere; or the key is nowhere, and each request comes by here. */
  private findInFile(kid: string): EncryptionKey | undefined {
    if (performance.now() > this.readAt + READ_AGAIN_MS) this.reload();
    return this.find(kid);
  }

  /** A file that is half written or wrong changes nothing. */
  private reload(): void {
    const file = this.config.encryptionKeysFile;
    if (!file) return;
    this.readAt = performance.now();
    const before = kidsOf(this.keys);
    try {
      this.keys = this.config.readEncryptionKeys(readFileSync(file, 'utf8'));
      const now = kidsOf(this.keys);
      if (now !== before) this.logger.warn(`encryption keys are now ${now}`);
    } catch (error) {
      this.logger.error(`encryption keys stay as they are: ${(error as Error).message}`);
    }
  }
}

const kidsOf = (keys: readonly EncryptionKey[]) => keys.map(({ kid }) => kid).join(', ');

const aadOf = (kid: string, { id, owner }: KeyContext) =>
  Buffer.from(JSON.stringify([kid, id, owner]));
