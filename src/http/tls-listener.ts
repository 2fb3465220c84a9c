import type { FastifyBaseLogger } from 'fastify';
import { constants } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.js';
import type { TlsPair } from '../config/certificates.js';

export const WATCH_SECONDS = 2;
const DAY_MS = 24 * 3_600_000;
/** Warned of an end that is nearer than this, once a day. */
export const EXPIRY_WARNING_DAYS = 30;

/** Only suites whose keys are made for the connection and whose texts are sealed (RFC 9325 §4.2). */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
];

/** Hybrid first: what is recorded today is no use to a quantum computer later. */
const GROUPS = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384'];

/** What the listener speaks with this certificate. ASVS 12.1.1, 12.1.2, 11.6.2. */
export function tlsOptions({ cert, key }: TlsPair) {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS.join(':'),
    ecdhCurve: GROUPS.join(':'),
    honorCipherOrder: true,
    // A renegotiation costs us more than the client. The key of tickets would open what was recorded
    // with TLS 1.2, for as long as the process has it (RFC 9325 §3.4).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
  } as const;
}

/**
 * Serves a renewed certificate from the next connection on, without a restart; those under way keep
 * theirs. A pair that is half written or wrong changes nothing.
 */
export class ServedCertificate {
  private warnedAt = Number.NEGATIVE_INFINITY;
  private readonly watch = () => this.reload();

  constructor(
    private readonly config: Config,
    private readonly server: Server,
    private readonly log: FastifyBaseLogger,
    private pair: TlsPair,
  ) {
    for (const file of this.files)
      watchFile(file, { interval: WATCH_SECONDS * 1_000, persistent: false }, this.watch);
    this.warnOfItsEnd();
  }

  stop(): void {
    for (const file of this.files) unwatchFile(file, this.watch);
  }

  /** Whoever should have renewed it is told, before clients are. */
  warnOfItsEnd(): void {
    const { expiresAt } = this.pair;
    const isFar = expiresAt.getTime() > Date.now() + EXPIRY_WARNING_DAYS * DAY_MS;
    if (isFar || performance.now() < this.warnedAt + DAY_MS) return;
    this.warnedAt = performance.now();
    this.log.warn({ expiresAt }, 'the certificate of the listener ends soon: renew it');
  }

  private get files(): string[] {
    const { tlsFiles } = this.config;
    return tlsFiles ? [tlsFiles.certFile, tlsFiles.keyFile] : [];
  }

  private reload(): void {
    try {
      const pair = this.config.readTlsPair();
      // The whole texts: what stands between the certificate and the root may be all that is new.
      if (!pair || isDeepStrictEqual(pair, this.pair)) return;
      this.server.setSecureContext(tlsOptions(pair));
      this.pair = pair;
      this.warnedAt = Number.NEGATIVE_INFINITY;
      const { fingerprint, expiresAt } = pair;
      this.log.warn({ fingerprint, expiresAt }, 'the listener has a new certificate');
      this.warnOfItsEnd();
    } catch (error) {
      this.log.warn(`the certificate stays as it is: ${(error as Error).message}`);
    }
  }
}

/** What the log says of a connection that never became one. */
export interface HandshakeFailure {
  code: 'tls_handshake';
  reason: string;
}

/** Nothing can be said to who speaks no TLS, or another one: the connection ends. */
export function endFailedHandshake(
  { code = '' }: { code?: string },
  socket: Socket,
): HandshakeFailure | undefined {
  if (!/^ERR_(SSL|TLS)_/.test(code)) return undefined;
  socket.destroy();
  return { code: 'tls_handshake', reason: code };
}
