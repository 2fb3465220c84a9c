// Jest loads this file itself, before it transforms anything: the hook lets it import the sources.
import '../../scripts/typescript.js';

export default async function setUp() {
  const { startTestServer } = await import('./test-server.ts');
  const stop = await startTestServer();
  Object.assign(globalThis, { stopTestServer: stop });
}
