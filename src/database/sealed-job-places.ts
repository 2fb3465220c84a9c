import type { SealedPlaces } from '../crypto/sealed-places.js';
import { keyIdOf } from '../crypto/sealing.js';
import type { Queryable } from './queryable.js';
import { placeOf, type SealedJob } from './sealed-jobs.js';

const JOBS = `SELECT id, data FROM pgboss.job WHERE data ? 'sealed' ORDER BY id`;
const REPLACE = `UPDATE pgboss.job SET data = jsonb_build_object('sealed', $3::text)
  WHERE id = $1 AND data->>'sealed' = $2`;

/** What waits in the queue, or has failed: few, so that they are read at once. */
export const JOB_PLACES: SealedPlaces = {
  name: 'jobs',
  count: async (db, keyIds) => (await jobsUnder(db, keyIds)).length,
  read: async (db, keyIds, after) => {
    const jobs = after ? [] : await jobsUnder(db, keyIds);
    return jobs.map(({ id, sealed }) => ({ key: [id], values: [sealed], places: [placeOf(id)] }));
  },
  replace: async (db, rows, values) => {
    let count = 0;
    for (const [at, { key, values: old }] of rows.entries()) {
      const texts = [old, values[at] ?? []].map(([value]) => value?.toString('base64'));
      const [, replaced] = await db.query<[unknown, number]>(REPLACE, [...key, ...texts]);
      count += replaced;
    }
    return count;
  },
};

async function jobsUnder(db: Queryable, keyIds: string[]) {
  const jobs = await db.query<{ id: string; data: SealedJob }[]>(JOBS);
  return jobs
    .map(({ id, data }) => ({ id, sealed: Buffer.from(data.sealed, 'base64') }))
    .filter(({ sealed }) => keyIds.includes(keyIdOf(sealed) ?? ''));
}
