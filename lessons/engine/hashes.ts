import type { Change, Edit } from './lesson.js';

const HASHER = 'src/auth/password-hasher.ts';

/**
 * Most of what an attack takes is the hashing of passwords. Where all attacks are swept over removals, to
 * see that they get nothing, a further edit makes it cheap; what is expected to succeed always meets the
 * app with nothing changed but the control.
 */
export const CHEAP_HASHES: Edit = {
  file: HASHER,
  find: 'memoryCost: 19_456, timeCost: 2',
  replace: 'memoryCost: 8, timeCost: 1',
};

/** Whether the changes are about hashing itself: then a hash of the shipped app may open nothing. */
export const changesHashing = (changes: Change[]): boolean =>
  changes.some(({ edits = [] }) =>
    edits.some((edit) => edit.file === HASHER && edit !== CHEAP_HASHES),
  );
