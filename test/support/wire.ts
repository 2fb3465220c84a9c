import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** PostgreSQL's startup message names the application in clear. */
const FEED = 'bulwark revocation feed';

interface Pair {
  client: Socket;
  server: Socket;
  isFeed: boolean;
}

/** A network between one instance and its database, in which a test can make things go wrong. */
export class Wire {
  private readonly pairs = new Set<Pair>();
  private readonly listener = createServer((client) => this.join(client));
  private blocked: 'nothing' | 'feed' | 'all' = 'nothing';

  private constructor(private readonly databaseUrl: URL) {}

  static async to(databaseUrl: string): Promise<Wire> {
    const wire = new Wire(new URL(databaseUrl));
    wire.listener.listen(0, '127.0.0.1');
    await once(wire.listener, 'listening');
    return wire;
  }

  /** The database's address on this side of the wire. */
  get url(): string {
    const url = new URL(this.databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = `${(this.listener.address() as AddressInfo).port}`;
    return url.href;
  }

  /** Ends these connections and lets none come back until `heal`. */
  cut(what: 'feed' | 'all'): void {
    this.blocked = what;
    for (const pair of this.chosen(what)) pair.client.destroy();
  }

  /** Keeps the feed's connection open and carries nothing more on it, as a lost network does. */
  silenceFeed(): void {
    for (const { client, server } of this.chosen('feed')) {
      client.unpipe(server).pause();
      server.unpipe(client).pause();
    }
  }

  heal(): void {
    this.blocked = 'nothing';
  }

  close(): void {
    this.cut('all');
    this.listener.close();
  }

  private chosen(what: 'feed' | 'all'): Pair[] {
    return [...this.pairs].filter(({ isFeed }) => what === 'all' || isFeed);
  }

  private join(client: Socket): void {
    const server = connect(Number(this.databaseUrl.port || 5432), this.databaseUrl.hostname);
    const pair: Pair = { client, server, isFeed: false };
    this.pairs.add(pair);
    const part = () => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', part).on('close', part);
    client.once('data', (startup) => {
      pair.isFeed = startup.includes(FEED);
      if (this.blocked === 'all' || (this.blocked === 'feed' && pair.isFeed)) return part();
      server.write(startup);
      client.pipe(server);
      server.pipe(client);
    });
  }
}
