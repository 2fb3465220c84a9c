// Its library asks for this at its first line.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsFiles, TlsPair } from '../../src/config/certificates.js';

type Pem = Pick<TlsPair, 'cert' | 'key'>;

const DAY_MS = 24 * 3_600_000;
const EC = { name: 'ECDSA', namedCurve: 'P-256' };
const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});

interface Wish {
  names?: string[];
  /** Days from now. */
  from?: number;
  to?: number;
  rsaBits?: number;
}

/** An authority that a test makes for itself: who trusts it trusts its certificates, and nobody else does. */
export class Authority {
  private constructor(
    private readonly keys: webcrypto.CryptoKeyPair,
    private readonly own: X509Certificate,
  ) {}

  static async create(name = 'Authority of a test'): Promise<Authority> {
    const keys = await newKeys(EC);
    const own = await X509CertificateGenerator.createSelfSigned({
      ...frame({}),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      ],
    });
    return new Authority(keys, own);
  }

  get pem(): string {
    return `${this.own.toString('pem')}\n`;
  }

  async issue({ names = ['localhost', '127.0.0.1'], rsaBits, ...times }: Wish = {}): Promise<Pem> {
    const keys = await newKeys(rsaBits ? rsa(rsaBits) : EC);
    const cert = await X509CertificateGenerator.create({
      ...frame(times),
      subject: `CN=${names[0]}`,
      issuer: this.own.subject,
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value })),
        ),
      ],
    });
    return { cert: `${cert.toString('pem')}\n`, key: privatePem(keys) };
  }
}

const frame = ({ from = -1, to = 90 }: Wish) => ({
  serialNumber: randomBytes(8).toString('hex'),
  notBefore: new Date(Date.now() + from * DAY_MS),
  notAfter: new Date(Date.now() + to * DAY_MS),
});

const newKeys = (algorithm: typeof EC | ReturnType<typeof rsa>) =>
  webcrypto.subtle.generateKey({ ...algorithm, hash: 'SHA-256' }, true, ['sign', 'verify']);

const privatePem = ({ privateKey }: webcrypto.CryptoKeyPair) =>
  KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }) as string;

/** Files of a test's own, where an operator would have them. */
export class TlsFolder {
  private readonly folder = mkdtempSync(join(tmpdir(), 'bulwark-tls-'));
  readonly files: TlsFiles = { certFile: this.path('cert.pem'), keyFile: this.path('key.pem') };
  readonly env = { TLS_CERT_FILE: this.files.certFile, TLS_KEY_FILE: this.files.keyFile };

  /** In one step each, as a renewal does it. */
  write(pair: Partial<Pem>): void {
    if (pair.cert) this.replace(this.files.certFile, pair.cert);
    if (pair.key) this.replace(this.files.keyFile, pair.key);
  }

  /** A file beside them; answers its path. */
  add(name: string, text: string): string {
    this.replace(this.path(name), text);
    return this.path(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  private replace(path: string, text: string): void {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}
