import type { Measured } from './load.js';

export interface Line {
  name: string;
  app: Measured;
  bare?: Measured | undefined;
  framework?: Measured | undefined;
}

const UNIT = ['requests/s', 'p50 ms', 'p99 ms'];
const HEAD = ['', ...UNIT, `bare ${UNIT[0]}`, ...UNIT.slice(1), 'ratio', 'Nest alone', 'ratio'];

const numbers = (measured: Measured | undefined) =>
  measured
    ? [measured.perSecond.toFixed(0), measured.p50.toFixed(1), measured.p99.toFixed(1)]
    : ['', '', ''];

/** Of the app to the bare server, or of the bare framework to it. */
export const ratioOf = ({ bare, ...line }: Line, of: 'app' | 'framework' = 'app') => {
  const measured = line[of];
  return bare && measured && measured.perSecond / bare.perSecond;
};

export const percent = (part: number | undefined) =>
  part === undefined ? '' : `${(part * 100).toFixed(0)} %`;

/** The lines under the head of the comparison. */
export function table(lines: Line[]): string {
  return grid(
    HEAD,
    lines.map((line) => [
      line.name,
      ...numbers(line.app),
      ...numbers(line.bare),
      percent(ratioOf(line)),
      line.framework?.perSecond.toFixed(0) ?? '',
      percent(ratioOf(line, 'framework')),
    ]),
  );
}

/** Reads the same in a terminal and in Markdown. The first column holds words, the others numbers. */
export function grid(head: string[], body: string[][]): string {
  const widths = head.map((title, n) =>
    Math.max(title.length, ...body.map((cells) => cells[n]?.length ?? 0)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...body].map((cells) => format(cells, widths)).join('\n');
}

function format([name = '', ...rest]: string[], [first = 0, ...widths]: number[]): string {
  const right = rest.map((cell, n) => cell.padStart(widths[n] ?? 0));
  return `| ${[name.padEnd(first), ...right].join(' | ')} |`;
}

export const goal = (text: string, met: boolean) => `${met ? 'met    ' : 'NOT MET'} ${text}`;
