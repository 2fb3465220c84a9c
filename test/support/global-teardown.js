export default async function tearDown() {
  const { stopTestServer } = /** @type {{ stopTestServer?: () => Promise<void> }} */ (globalThis);
  await stopTestServer?.();
}
