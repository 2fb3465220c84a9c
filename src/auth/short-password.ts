import { violates } from '../database/database-errors.js';
import { Problem, type ProblemCode } from '../http/problem.js';

/**
 * The database has the last word on a short password without a second factor: one may be set while
 * the other is removed.
 */
export async function orShortPassword<T>(code: ProblemCode, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (violates(cause, 'users_short_password_has_factor')) throw new Problem(code, { cause });
    throw cause;
  }
}
