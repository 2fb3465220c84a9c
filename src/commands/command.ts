import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

export const say = (text: string) => process.stdout.write(`${text}\n`);

/** The end of a command that did not do what it was asked for. */
export function fail(error: Error): void {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

interface Spelling<Options> {
  usage: string;
  options?: Options;
  /** Whether these are the words that it takes. Absent: it takes none. */
  takes?: (words: string[]) => boolean;
}

/**
 * What stands behind the name of a command. Ends the process for `--help`, which prints the usage, and for
 * whatever is not understood: with exit code 2, and before anything is done. A typo must not begin what
 * cannot be undone.
 */
export function readArguments<const Options extends ParseArgsOptionsConfig = {}>({
  usage,
  options = {} as Options,
  takes = (words) => words.length === 0,
}: Spelling<Options>) {
  if (process.argv.includes('--help')) return endWith(usage, 0);
  try {
    const { values, positionals: words } = parseArgs({ options, allowPositionals: true });
    if (takes(words) && !words.includes('')) return { values, words };
    throw new Error(words.length > 0 ? `What is ${words.join(' ')}?` : 'There is a word missing.');
  } catch (error) {
    return endWith(`${(error as Error).message}\n\n${usage}`, 2);
  }
}

function endWith(text: string, code: 0 | 2): never {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  process.exit(code);
}
