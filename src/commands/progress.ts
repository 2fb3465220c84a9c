const WIDTH = 30;

/** One line that grows on a terminal; into a pipe nothing. */
export function drawProgress(what: string, done: number, total: number): void {
  if (total === 0 || !process.stdout.isTTY) return;
  const share = Math.floor((done / total) * WIDTH);
  const bar = `[${'#'.repeat(share)}${'.'.repeat(WIDTH - share)}]`;
  process.stdout.write(`\r\u001b[K${bar} ${lineOf(what, done, total)}${done >= total ? '\n' : ''}`);
}

/** The same; into a pipe a line whenever something is done. */
export function tellProgress(what: string, done: number, total: number): void {
  drawProgress(what, done, total);
  if (total > 0 && done >= total && !process.stdout.isTTY)
    process.stdout.write(`${lineOf(what, done, total)}\n`);
}

const lineOf = (what: string, done: number, total: number) =>
  `${what}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
