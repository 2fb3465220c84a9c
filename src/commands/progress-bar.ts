const WIDTH = 40;

/** Draws how far it is, where somebody looks; in a pipe or a log it draws nothing. */
export function progressBar(stream = process.stderr): (done: number, total: number) => void {
  if (!stream.isTTY) return () => {};
  const startedAt = performance.now();
  return (done, total) => {
    const share = total > 0 ? done / total : 1;
    const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.');
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    const end = done >= total ? '\n' : '';
    stream.write(`\r[${bar}] ${done.toLocaleString('en-US')} in ${seconds} s${end}`);
  };
}
