/**
 * Who may do what to a resource, as SQL that stands in the `where` of every statement, so that no
 * statement can reach a row that the actor may not (OWASP API1:2023). `:actor` is the caller's id.
 */
export const IS_OWNER = 'resources.owner_id = :actor';

/** What somebody shares who is about to leave is as if it were gone already. */
export const OWNER_STAYS = 'NOT is_leaving(resources.owner_id)';

export const MAY_READ = `(resources.owner_id = :actor OR EXISTS (
  SELECT FROM resource_shares share
  WHERE share.resource_id = resources.id AND share.user_id = :actor AND ${OWNER_STAYS}))`;

export const MAY_WRITE = `(resources.owner_id = :actor OR EXISTS (
  SELECT FROM resource_shares share
  WHERE share.resource_id = resources.id AND share.user_id = :actor AND share.permission = 'write'
    AND ${OWNER_STAYS}))`;

/** The same, in a statement that is written out in full: the caller's id is its first parameter. */
export const asFirst = (predicate: string) => predicate.replaceAll(':actor', '$1');
