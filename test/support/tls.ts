import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import {
  connect,
  setDefaultCACertificates,
  type ConnectionOptions,
  type TLSSocket,
} from 'node:tls';
import type { Authority } from './certificates.js';

/** What this process's clients, `fetch` among them, trust from here on: these and nobody else. */
export const trustOnly = (...authorities: Authority[]) =>
  setDefaultCACertificates(authorities.map(({ pem }) => pem));

const placeOf = (url: string) => ({
  host: new URL(url).hostname,
  port: Number(new URL(url).port),
});

/** An open connection, or a rejection with the code that the handshake failed with. */
export async function handshake(url: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...placeOf(url), servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** Protocol, suite and group that were agreed on, or the code of the failure. */
export async function agreedOn(url: string, options: ConnectionOptions = {}): Promise<string> {
  try {
    const socket = await handshake(url, options);
    const group = (socket.getEphemeralKeyInfo() as { name?: string }).name;
    const agreed = [socket.getProtocol(), socket.getCipher().name, group].join(' ');
    socket.destroy();
    return agreed;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** The serial number of the certificate that is served to a new connection. */
export async function servedSerial(url: string): Promise<string> {
  const socket = await handshake(url);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** How long a connection lasts whose client says this and nothing more, without TLS. */
export async function lifeOfConnection(url: string, bytes: string | Buffer = ''): Promise<number> {
  const startedAt = performance.now();
  const socket = connectPlain(placeOf(url));
  socket.on('error', () => {});
  if (bytes.length > 0) socket.write(bytes);
  await once(socket.resume(), 'close');
  return performance.now() - startedAt;
}
