const WIDTH = 30;

/** One line that grows on a terminal; elsewhere a line whenever something is done. */
export function tellProgress(what: string, done: number, total: number): void {
  if (total === 0) return;
  const share = Math.floor((done / total) * WIDTH);
  const bar = `[${'#'.repeat(share)}${'.'.repeat(WIDTH - share)}]`;
  const numbers = `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
  const line = `${bar} ${what}: ${numbers}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}${done >= total ? '\n' : ''}`);
  else if (done >= total) process.stdout.write(`${what}: ${numbers}\n`);
}
