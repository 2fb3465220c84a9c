import type { EntityManager } from 'typeorm';
import type { SealedContent } from '../resources/resource-contents.service.js';

/** Rows that are read, and kept in memory, at the same time. */
export const PAGE_ROWS = 200;

/** Where a page ends, and the next one begins. */
export interface PageRow {
  createdAt: Date;
  place: string;
}
type ReadPage = (tx: EntityManager, userId: string, after: PageRow) => Promise<PageRow[]>;

export const BEFORE_ALL: PageRow = {
  createdAt: new Date(0),
  place: '00000000-0000-0000-0000-000000000000',
};

/**
 * What an export holds, column by column: no hash, no token and nobody else's data but an id
 * (ASVS 14.2.6). Each is read in the order of an index, from where the last page ended.
 */
export const SECTIONS = {
  sessions: (tx, userId, { createdAt, place }) => tx.sql<PageRow[]>`
    SELECT id AS place, id, device, network::text, created_at AS "createdAt",
           expires_at AS "expiresAt", revoked_at AS "revokedAt"
    FROM sessions
    WHERE user_id = ${userId} AND (created_at, id) > (${createdAt}, ${place})
    ORDER BY created_at, id LIMIT ${PAGE_ROWS}`,

  resources: (tx, userId, { createdAt, place }) => tx.sql<(PageRow & SealedContent)[]>`
    SELECT id AS place, id, owner_id AS "ownerId", title, content, labels, version,
           created_at AS "createdAt", updated_at AS "updatedAt",
           (SELECT coalesce(json_agg(json_build_object('userId', s.user_id,
              'permission', s.permission, 'createdAt', s.created_at) ORDER BY s.user_id), '[]')
            FROM resource_shares s WHERE s.resource_id = resources.id) AS "sharedWith"
    FROM resources
    WHERE owner_id = ${userId} AND (created_at, id) > (${createdAt}, ${place})
    ORDER BY created_at, id LIMIT ${PAGE_ROWS}`,

  sharedWithMe: (tx, userId, { createdAt, place }) => tx.sql<PageRow[]>`
    SELECT s.resource_id AS place, s.resource_id AS "resourceId", r.owner_id AS "userId",
           s.permission, s.created_at AS "createdAt"
    FROM resource_shares s JOIN resources r ON r.id = s.resource_id
    WHERE s.user_id = ${userId} AND (s.created_at, s.resource_id) > (${createdAt}, ${place})
      AND NOT is_leaving(r.owner_id)
    ORDER BY s.created_at, s.resource_id LIMIT ${PAGE_ROWS}`,
} satisfies Record<string, ReadPage>;
export type Section = keyof typeof SECTIONS;
