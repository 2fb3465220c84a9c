import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

type Mode = 'pass' | 'refuse' | 'stall';

/** A TCP link between the app and PostgreSQL that a test can cut, stop up and slow down. */
export class PostgresProxy {
  private mode: Mode = 'pass';
  private delayMs = 0;
  private readonly sockets = new Set<Socket>();
  private readonly forgotten = new WeakSet<Socket>();
  private readonly server = createServer({ pauseOnConnect: true }, (client) => this.accept(client));

  private constructor(private readonly target: URL) {}

  static async before(databaseUrl: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(new URL(databaseUrl));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** The database, by way of this proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = `${(this.server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** Every connection breaks. New ones get through. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** As a server that is down: what is open breaks, and nothing new gets through. */
  refuse(): void {
    this.mode = 'refuse';
    this.cut();
  }

  /** As a network that swallows everything: connections open, and no byte comes back. */
  stall(): void {
    this.mode = 'stall';
  }

  /** As a firewall that forgot them: what is open stays open and dead. New connections get through. */
  forget(): void {
    for (const socket of this.sockets) this.forgotten.add(socket);
  }

  /** Every answer takes this much longer from now on. */
  delay(milliseconds: number): void {
    this.delayMs = milliseconds;
  }

  /** All is well again. What was swallowed stays lost, so its connections break. */
  restore(): void {
    const lost = this.mode === 'stall';
    this.mode = 'pass';
    this.delayMs = 0;
    if (lost) this.cut();
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.refuse();
    await closed;
  }

  private accept(client: Socket): void {
    this.track(client);
    if (this.mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(this.target.port || 5432), this.target.hostname);
    this.track(server);
    this.forward(client, server, () => 0);
    this.forward(server, client, () => this.delayMs);
  }

  /** In order, as TCP delivers: what was delayed also holds up what comes after it. */
  private forward(from: Socket, to: Socket, delayMs: () => number): void {
    let busyUntil = 0;
    from.on('data', (chunk) => {
      if (this.mode === 'stall' || this.forgotten.has(from)) return;
      const now = performance.now();
      busyUntil = Math.max(busyUntil, now + delayMs());
      setTimeout(() => to.writable && to.write(chunk), busyUntil - now).unref();
    });
    from.on('close', () => to.destroy());
    from.resume();
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
  }
}
