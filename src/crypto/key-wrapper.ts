import type { DataKey } from './sealing.js';

/** What a wrapped key is bound to: nobody's key becomes another's by a change of its row. */
export type KeyContext = Pick<DataKey, 'id' | 'owner'>;

export interface WrappedKey {
  wrapped: Buffer;
  /** The key-encryption key that unwraps it. */
  kek: string;
}

/**
 * All that the app asks of whoever keeps the key-encryption keys. A KMS fits behind it: its `Encrypt` and
 * `Decrypt` with an encryption context; then `kek` is the name of its key.
 */
export abstract class KeyWrapper {
  /** With the key that wraps now. */
  abstract wrap(key: Buffer, context: KeyContext): Promise<WrappedKey>;
  /** Throws for an unknown key-encryption key, for another context, and for what was changed. */
  abstract unwrap(wrapped: WrappedKey, context: KeyContext): Promise<Buffer>;
  /** The name of the key that wraps now. */
  abstract current(): string;
}
