import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Some proxies add the port, which changes at every connection; IPv6 then stands in brackets. */
const WITH_PORT = /^(?:\[([^\]]*)\](?::\d{1,5})?|((?:::ffff:)?\d{1,3}(?:\.\d{1,3}){3}):\d{1,5})$/i;
/** As some proxies write an IPv4 address. */
const MAPPED = /^::ffff:(?=\d+\.)/;

/** One spelling, also of what PostgreSQL has read and written again. Null for what is no address. */
export function addressOf(text: string): string | null {
  if (isIPv4(text)) return text;
  const [, inBrackets, beforePort] = WITH_PORT.exec(text) ?? [];
  // A zone names an interface of our own, and PostgreSQL takes none.
  const [bare = ''] = (inBrackets ?? beforePort ?? text).split('%');
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return null;
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  return address.replace(MAPPED, '');
}
