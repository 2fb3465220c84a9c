import type { WrongFix } from '../engine/lesson.js';
import { NO_IF_MATCH, NO_VERSION } from './controls.js';

const RESOURCES = 'src/resources/resources.service.ts';
const IDEMPOTENCY = 'src/resources/idempotency.service.ts';

export const wrongFixes: WrongFix[] = [
  {
    id: 'update-read-then-write',
    title: 'Read the version, compare it, then write',
    why: 'Between the comparison and the write everybody else compares too.',
    change: {
      edits: [
        NO_VERSION,
        {
          file: RESOURCES,
          find: 'const changed = await this.dataSource.transaction(async (tx) => {',
          replace: [
            'const current = await this.get(actor, id);',
            "    if (current.version !== version) throw new Problem('version_mismatch');",
            '    const changed = await this.dataSource.transaction(async (tx) => {',
          ].join('\n'),
        },
      ],
    },
    opens: ['update-race'],
  },
  {
    id: 'update-if-match-optional',
    title: 'Check the version of those who send one',
    why: 'Who has not read the newest version is who does not send one.',
    change: {
      edits: [
        NO_IF_MATCH,
        {
          ...NO_VERSION,
          replace:
            ".where(version === undefined ? 'id = :id' : 'id = :id AND version = :version', { id, version })",
        },
      ],
    },
    opens: ['update-blind'],
  },
  {
    id: 'repeat-look-first',
    title: 'Look whether the key is known, create, then write the key down',
    why: 'Ten requests look before the first has written anything down.',
    change: {
      edits: [
        {
          file: IDEMPOTENCY,
          find: [
            'INSERT INTO idempotency_keys (user_id, key, request_hash)',
            '        VALUES (${actor.userId}, ${key}, ${requestHash})',
            '        ON CONFLICT DO NOTHING RETURNING true`;',
            '      if (claimed.length === 0)',
          ].join('\n'),
          replace: [
            'SELECT FROM idempotency_keys WHERE user_id = ${actor.userId} AND key = ${key}`;',
            '      if (claimed.length > 0)',
          ].join('\n'),
        },
        {
          file: IDEMPOTENCY,
          find: [
            'UPDATE idempotency_keys SET resource_id = ${result.id}',
            '        WHERE user_id = ${actor.userId} AND key = ${key}`;',
          ].join('\n'),
          replace: [
            'INSERT INTO idempotency_keys (user_id, key, request_hash, resource_id)',
            '        VALUES (${actor.userId}, ${key}, ${requestHash}, ${result.id})',
            '        ON CONFLICT DO NOTHING`;',
          ].join('\n'),
        },
      ],
    },
    opens: ['repeat-race'],
  },
  {
    id: 'share-first-wins',
    title: 'A share that is there already stays as it is',
    why: 'No second row, but the permission that the owner took back stays, too.',
    change: {
      edits: [
        {
          file: 'src/resources/shares.service.ts',
          find: 'DO UPDATE SET permission = excluded.permission',
          replace: 'DO NOTHING',
        },
      ],
    },
    opens: ['share-outlives-its-change'],
  },
];
