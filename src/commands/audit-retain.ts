// npm run audit:retain [-- --months 13]: makes the partitions of the months to come and drops those of
// events that are older, as the owner of the database. Run it every month.
import 'reflect-metadata';
import { dropBefore, makePartitions, monthsBack } from '../audit/retention.js';
import { withAuditDatabase } from './audit-database.js';
import { fail, readArguments, say } from './command.js';

/** A year can be compared with the one before. */
const MONTHS = '13';
const USAGE = `npm run audit:retain [-- --months ${MONTHS}]

Makes the partitions of the months to come, and drops the events that are older, for good. Runs as the owner
of the database: DATABASE_OWNER_URL.

  --months   how many months to keep, the current one apart`;

async function main(): Promise<void> {
  const { values } = readArguments({
    usage: USAGE,
    options: { months: { type: 'string', default: MONTHS } },
  });
  const months = Number(values.months);
  if (!/^\d{1,3}$/.test(values.months) || months < 1)
    throw new Error('Name the months to keep, the current one apart: --months 13');
  await withAuditDatabase('owner', async (owner, { keys: { audit } }) => {
    await makePartitions(owner);
    const before = monthsBack(months);
    const events = await dropBefore(owner, audit, before);
    const day = before.toISOString().slice(0, 10);
    say(`Dropped ${events.toLocaleString('en-US')} events from before ${day}.`);
  });
}

main().catch(fail);
