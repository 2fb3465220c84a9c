import type { Control, Edit, Stack } from '../engine/lesson.js';

const RESOURCES = 'src/resources/resources.service.ts';
const CONTROLLER = 'src/resources/resources.controller.ts';
const IDEMPOTENCY = 'src/resources/idempotency.service.ts';
const SHARES = 'src/resources/shares.service.ts';

export const NO_VERSION: Edit = {
  file: RESOURCES,
  find: ".where('id = :id AND version = :version', { id, version })",
  replace: ".where('id = :id', { id })",
};
export const NO_IF_MATCH: Edit = {
  file: CONTROLLER,
  find: "if (version === undefined) throw new Problem('if_match_required');",
  replace: '',
};

export const controls: Control[] = [
  {
    id: 'update-version',
    title: 'The version that was read stands in the WHERE of the change',
    file: RESOURCES,
    removal: { edits: [NO_VERSION] },
    opens: ['update-stale', 'update-race'],
  },
  {
    id: 'update-if-match',
    title: 'A change must say which version was read',
    file: CONTROLLER,
    removal: { edits: [NO_IF_MATCH] },
    opens: [],
  },
  {
    id: 'delete-version',
    title: 'A deletion that names a version deletes that version only',
    file: RESOURCES,
    removal: {
      edits: [
        {
          file: RESOURCES,
          find: "if (version !== undefined) query.andWhere('version = :version', { version });",
          replace: '',
        },
      ],
    },
    opens: ['delete-stale'],
  },
  {
    id: 'repeat-key',
    title: 'A key is claimed in the transaction that creates',
    file: IDEMPOTENCY,
    removal: {
      edits: [{ file: RESOURCES, find: 'if (key === undefined) return', replace: 'return' }],
    },
    opens: ['repeat-again', 'repeat-race'],
  },
  {
    id: 'repeat-hash',
    title: 'A key belongs to one request, word for word',
    file: IDEMPOTENCY,
    removal: {
      edits: [
        {
          file: IDEMPOTENCY,
          find: "if (row && !row.request_hash.equals(requestHash)) throw new Problem('idempotency_key_reused');",
          replace: '',
        },
      ],
    },
    opens: ['repeat-other'],
  },
  {
    id: 'share-one-row',
    title: 'A person has one share of a resource; the primary key sees to it',
    file: SHARES,
    removal: {
      sql: 'ALTER TABLE resource_shares DROP CONSTRAINT resource_shares_pkey',
      edits: [
        {
          file: SHARES,
          find: 'ON CONFLICT (resource_id, user_id) DO UPDATE SET permission = excluded.permission',
          replace: '',
        },
      ],
    },
    opens: ['share-outlives-its-change', 'share-race'],
  },
];

export const stacks: Stack[] = [
  {
    controls: ['update-version', 'update-if-match'],
    opens: ['update-stale', 'update-blind', 'update-race'],
  },
];
