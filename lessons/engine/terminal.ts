import { stripVTControlCharacters, styleText } from 'node:util';
import { Host } from './host.js';

const WIDTH = process.stdout.columns ?? 100;
const MIN_SIDE_BY_SIDE = 110;

type Style = Parameters<typeof styleText>[0];

export const say = (text = '') => process.stdout.write(`${text}\n`);

/** Colour on a terminal, plain text in a file or a pipe. */
export const paint = (style: Style, text: string) =>
  styleText(style, text, { stream: process.stdout });

export const title = (text: string) => say(`\n${paint('bold', text)}`);

/** Runs a command; what goes wrong is told in words. */
export async function command(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    process.stderr.write(`${paint('red', (error as Error).message)}\n`);
    process.exitCode = 1;
  } finally {
    Host.endIdle();
  }
}

/** Two texts beside each other where there is room, else one after the other. */
export function sideBySide(
  left: [head: string, text: string],
  right: [head: string, text: string],
) {
  const blocks = [left, right].map(([head, text]) => [
    paint('underline', head),
    ...text.split('\n'),
  ]);
  const [first = [], second = []] = blocks;
  if (WIDTH < MIN_SIDE_BY_SIDE) {
    say([...first, '', ...second].join('\n'));
    return;
  }
  const column = Math.floor((WIDTH - 3) / 2);
  for (let row = 0; row < Math.max(first.length, second.length); row += 1)
    say(`${fit(first[row] ?? '', column)} | ${(second[row] ?? '').slice(0, column + 20)}`);
}

function fit(text: string, width: number): string {
  const visible = stripVTControlCharacters(text).length;
  return visible > width ? `${text.slice(0, width - 1)}~` : text + ' '.repeat(width - visible);
}

/** A change of the source as a small diff. */
export function diff(file: string, before: string, after: string): string {
  const minus = before === '' ? [] : before.split('\n').map((line) => paint('red', `- ${line}`));
  const plus = after === '' ? [] : after.split('\n').map((line) => paint('green', `+ ${line}`));
  return [paint('dim', file), ...minus, ...plus].join('\n');
}
