import type { Attack, Change, Edit } from './lesson.js';

const HASHER = 'src/auth/password-hasher.ts';

/**
 * Most of what an attack takes is the hashing of passwords. Where all attacks are swept over removals, to
 * see that they get nothing, and on wrong fixes, a further edit makes it cheap. As shipped, and with a
 * control removed, what is expected meets the app with nothing else changed.
 */
const CHEAP_HASHES: Edit = {
  file: HASHER,
  find: 'memoryCost: 19_456, timeCost: 2',
  replace: 'memoryCost: 8, timeCost: 1',
};

/** With it, unless hashing or the time that it takes is what the changes or the attacks are about. */
export const withCheapHashes = (changes: Change[], attacks: Attack[]): Change[] =>
  changesHashing(changes) || attacks.some(({ swept }) => swept === 'never')
    ? changes
    : [...changes, { edits: [CHEAP_HASHES] }];

/** Whether the changes are about hashing itself: then a hash of the shipped app may open nothing. */
export const changesHashing = (changes: Change[]): boolean =>
  changes.some(({ edits = [] }) =>
    edits.some((edit) => edit.file === HASHER && edit !== CHEAP_HASHES),
  );
