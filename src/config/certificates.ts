import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';

/** Where the certificate of the listener and its private key are. */
export interface TlsFiles {
  certFile: string;
  keyFile: string;
}

/** A certificate that can be served, and its key, as PEM. */
export interface TlsPair {
  cert: string;
  key: string;
  expiresAt: Date;
  /** SHA-256, for the log. */
  fingerprint: string;
}

const MIN_RSA_BITS = 2_048;
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * Reads the pair and throws, with the cure, when a client could not be served with it: so a renewal
 * that is half written is never taken. `host`: the name that clients will check it against, if they do.
 */
export function readTlsPair({ certFile, keyFile }: TlsFiles, host?: string): TlsPair {
  const certPem = readText('TLS_CERT_FILE', certFile);
  const keyPem = readText('TLS_KEY_FILE', keyFile);
  const cert = parseCertificate(certPem);
  const key = parseKey(keyPem);
  if (!cert.checkPrivateKey(key))
    throw new Error(
      'TLS_CERT_FILE and TLS_KEY_FILE are not a pair: put the server’s own one first',
    );
  mustBeStrong(key);
  mustBeInForce(cert);
  if (host && !isFor(cert, host))
    throw new Error('TLS_CERT_FILE is not for the host of PUBLIC_URL: get one that names it');
  mustBeServable(certPem, keyPem);
  const { validToDate: expiresAt, fingerprint256: fingerprint } = cert;
  return { cert: certPem, key: keyPem, expiresAt, fingerprint };
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new Error(`${name} names a file that cannot be read: check the path and its rights`);
  }
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Error(
      'TLS_CERT_FILE holds no certificate: it must be PEM, the server’s own one first',
    );
  }
}

function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('TLS_KEY_FILE holds no private key: it must be PEM, without a passphrase');
  }
}

/** NIST SP 800-57: what a recording of today's handshakes must withstand (ASVS 11.6.1). */
function mustBeStrong({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject) {
  const { modulusLength = 0, namedCurve = '' } = details;
  const isStrong = type === 'rsa' ? modulusLength >= MIN_RSA_BITS : CURVES.has(namedCurve);
  if (isStrong) return;
  throw new Error('TLS_KEY_FILE is weak: use ECDSA on P-256, or RSA of 2048 bits or more');
}

function mustBeInForce({ validFromDate, validToDate }: X509Certificate): void {
  const now = Date.now();
  if (validToDate.getTime() <= now)
    throw new Error('TLS_CERT_FILE has expired: renew the certificate');
  if (validFromDate.getTime() > now)
    throw new Error('TLS_CERT_FILE is not valid yet: check the clock, or the certificate');
}

const isFor = (cert: X509Certificate, host: string) =>
  (isIP(host) ? cert.checkIP(host) : cert.checkHost(host)) !== undefined;

/** What OpenSSL itself refuses, such as a signature with SHA-1, would be refused at the handshake. */
function mustBeServable(cert: string, key: string): void {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const { code } = cause as { code?: string };
    throw new Error(`TLS_CERT_FILE cannot be served: OpenSSL says ${code}`, { cause });
  }
}
