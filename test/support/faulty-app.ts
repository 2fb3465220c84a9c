// A program of the tests: the app's own main, and errors outside of whatever answers a request.
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';

const LOOT = 'loot-4711';
const queryError = () => Object.assign(new Error('no such row'), { parameters: [LOOT] });
const FAULTS: Record<string, () => unknown> = {
  thrown: () => {
    throw queryError();
  },
  rejected: () => Promise.reject(queryError()),
  text: () => Promise.reject(LOOT),
  nothing: () => Promise.reject(),
};

subscribe('http.server.request.start', (message) => {
  const { headers } = (message as { request: IncomingMessage }).request;
  const fault = FAULTS[String(headers['x-fault'])];
  if (fault) setImmediate(fault);
});
await import('../../src/main.js');
