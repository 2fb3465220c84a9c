import { expect } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a call or a process that nobody waits for may take to show. */
const LATE_MS = 500;

/** What is the attacker's: a server, to which every connection is loot, and a file that a command makes. */
export async function openCanary() {
  let [calls, answer] = [0, ''];
  const server = createServer((_request, response) => response.end(answer));
  server.on('connection', () => (calls += 1)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'canary-'));
  const mark = join(folder, 'mark');
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    folder,
    mark,
    serve: (text: string) => (answer = text),
    expectSilence: async () => {
      await sleep(LATE_MS);
      expect({ calls, marked: existsSync(mark) }).toEqual({ calls: 0, marked: false });
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true });
    },
  };
}

export type Canary = Awaited<ReturnType<typeof openCanary>>;
