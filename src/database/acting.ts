import { AsyncLocalStorage } from 'node:async_hooks';

/** What the policies of the tables compare with: the id of a user, or one of these. */
export const ACROSS_OWNERS = 'system';
export const NOBODY = '';

/** On whose behalf the statements of this piece of work run. Outside of any: on nobody's. */
const acting = new AsyncLocalStorage<() => string>();

export const currentActor = (): string => acting.getStore()?.() ?? NOBODY;

/** Asked anew at each statement: a request begins before it is known whose it is. */
export const actingAs = <T>(actor: () => string, work: () => T): T => acting.run(actor, work);

/**
 * For work that is nobody's own: signing in, administration, housekeeping. The policies let it reach
 * every row, so what stands in its statements is the only wall.
 */
export const acrossOwners = <T>(work: () => T): T => actingAs(() => ACROSS_OWNERS, work);
