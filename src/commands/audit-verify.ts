// npm run audit:verify [-- --checkpoint FILE]: whether the audit log is what the app wrote. FILE holds
// checkpoints that were kept elsewhere, alone or in lines of the log.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { describeFault } from '../audit/find-fault.js';
import { UNSEALED_MINUTES } from '../audit/outside-chain.js';
import { verifyChain, type Verdict } from '../audit/verify-chain.js';
import { withAuditDatabase } from './audit-database.js';
import { fail, readArguments, say } from './command.js';
import { drawProgress } from './progress.js';

const USAGE = `npm run audit:verify [-- --checkpoint FILE]

Says whether the audit log is what the app wrote; exits with 1 where it is not.

  --checkpoint   a file with checkpoints that were kept elsewhere, alone or in lines of the log: without
                 them a cut-off end does not show`;
const STATEMENTS = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

function keptIn(file: string | undefined): string[] {
  if (file === undefined) return [];
  const found = readFileSync(file, 'utf8').match(STATEMENTS);
  if (!found) throw new Error(`There is no checkpoint in ${file}`);
  return found;
}

async function main(): Promise<void> {
  const { values } = readArguments({
    usage: USAGE,
    options: { checkpoint: { type: 'string' } },
  });
  const kept = keptIn(values.checkpoint);
  await withAuditDatabase('app', async (dataSource, config) => {
    const progress = (done: number, total: number) => drawProgress('links', done, total);
    tell(await verifyChain(dataSource, config.keys.audit, { kept, progress }));
    if (kept.length === 0)
      say(
        'It was compared with no checkpoint: an end that was cut off would not show (--checkpoint).',
      );
  });
}

function tell({ fault, events, late, from, to }: Verdict): void {
  const [count, first, last] = [events, from, to].map((value) => value.toLocaleString('en-US'));
  if (fault) {
    say(`The audit log is not what the app wrote: ${describeFault(fault)}.`);
    process.exitCode = 1;
  } else {
    const size = to < from ? 'empty' : `${count} events, links ${first} to ${last}`;
    say(`The audit log is whole: ${size}.`);
  }
  if (late.events > 0) say(lateness(late));
}

/** Innocent after a crash, a long stop or a restored backup. Otherwise somebody took seals away. */
const lateness = ({ events, first }: Verdict['late']): string =>
  `${events.toLocaleString('en-US')} links, the first at ${first?.toLocaleString('en-US')}, were made more than ` +
  `${UNSEALED_MINUTES} minutes after their events: was the app stopped then, or a backup restored?`;

main().catch(fail);
