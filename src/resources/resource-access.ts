/**
 * Who may do what to a resource, as SQL that stands in the `where` of every statement, so that no
 * statement can reach a row that the actor may not (OWASP API1:2023). `:actor` is the caller's id.
 */
export const IS_OWNER = 'resources.owner_id = :actor';

export const MAY_READ = `(resources.owner_id = :actor OR EXISTS (
  SELECT FROM resource_shares share
  WHERE share.resource_id = resources.id AND share.user_id = :actor))`;

export const MAY_WRITE = `(resources.owner_id = :actor OR EXISTS (
  SELECT FROM resource_shares share
  WHERE share.resource_id = resources.id AND share.user_id = :actor AND share.permission = 'write'))`;

/** The same, in a statement that is written out in full: the caller's id is its first parameter. */
export const asFirst = (predicate: string) => predicate.replaceAll(':actor', '$1');
