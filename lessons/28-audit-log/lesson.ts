import type { Change, Edit, Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const LOG = 'src/audit/security-log.ts';
const CHAIN = 'src/audit/chain.ts';
const SEALER = 'src/audit/sealer.service.ts';
const SECRETS = 'src/config/secrets.ts';
const MIGRATION = 'migrations/0015-audit.sql';

const withoutKey: Edit = {
  file: SECRETS,
  find: "auditKey: deriveKey(secret, 'audit'),",
  replace: "auditKey: deriveKey(Buffer.alloc(32), 'audit'),",
};
const inTheTransaction = 'await insertEvent(tx, this.config.keys.audit.auditKey, row);';
const beside = (replace: string): Change => ({
  edits: [{ file: LOG, find: inTheTransaction, replace }],
});

const wrongFixes: WrongFix[] = [
  {
    id: 'audit-triggers',
    title: 'A hash chain without a key, and triggers that forbid every change',
    why: 'Whoever owns the table turns its triggers off, and hashes as we do.',
    change: {
      edits: [withoutKey],
      sql: `CREATE FUNCTION keep_events() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'the audit log is append-only'; END $$;
        CREATE TRIGGER keep_events BEFORE UPDATE OR DELETE ON audit_events
        FOR EACH ROW EXECUTE FUNCTION keep_events()`,
    },
    opens: ['audit-owner-changes', 'audit-owner-removes'],
  },
  {
    id: 'audit-mac-per-row',
    title: 'Sign each row: then each is known to be genuine',
    why: 'Every row that is left is genuine. Which are gone, or stood elsewhere, no row knows.',
    change: {
      edits: [
        {
          file: CHAIN,
          find: '[seq, eventId, ...times, hex(eventMac), hex(before)]',
          replace: '[eventId, ...times, hex(eventMac), before.length]',
        },
      ],
    },
    opens: ['audit-owner-closes-gap', 'audit-owner-reorders'],
  },
  {
    id: 'audit-best-effort',
    title: 'A log that fails must keep nobody from working: write it first, and go on without it',
    why: 'Then whoever can make it fail for a moment works without it.',
    change: beside(
      'await insertEvent(this.dataSource, this.config.keys.audit.auditKey, row).catch(() => {});',
    ),
    opens: ['audit-unrecorded-sign-in', 'audit-unrecorded-password'],
  },
];

export const lesson: Lesson = {
  folder: '28-audit-log',
  title: 'A record that cannot be edited',
  claim:
    'What must be recorded is recorded or does not happen, and whoever edits the record afterwards, be it as the owner of the database, is found out.',
  asvs: ['16.2.1', '16.3.1', '16.4.2', '16.5.3'],
  api: ['API2:2023'],
  attacks,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada', 'password');
    const { body } = await ada.client.get<{ items: { event: string; by: string }[] }>(
      '/v1/users/me/security-events',
    );
    if (!body.items.some(({ event, by }) => event === 'authn_login_success' && by === 'you'))
      throw new Error('she does not find her own sign-in');
  },
  controls: [
    {
      id: 'audit-insert-only',
      title: 'The app may add events, and change none',
      file: MIGRATION,
      removal: {
        sql: 'GRANT UPDATE, DELETE ON audit_events TO bulwark_app',
        // The app would not start with it.
        edits: [
          {
            file: 'src/database/least-privilege.ts',
            find: "AND relname ~ '^audit_(events|chain|checkpoints)'",
            replace: "AND relname = ''",
          },
        ],
      },
      opens: ['audit-app-changes', 'audit-app-deletes'],
    },
    {
      id: 'audit-keyed',
      title: 'Events and links have a key that the database does not have',
      file: SECRETS,
      removal: { edits: [withoutKey] },
      opens: ['audit-owner-changes', 'audit-owner-removes'],
    },
    {
      id: 'audit-whole-key',
      title: 'An event is known by its id and its time: the key of the table, all of it',
      file: CHAIN,
      removal: {
        edits: [
          {
            file: CHAIN,
            find: 'WHERE c.recorded_at = e.recorded_at AND c.event_id = e.id)',
            replace: 'WHERE c.event_id = e.id)',
          },
        ],
      },
      opens: ['audit-app-forges'],
    },
    {
      id: 'audit-linked',
      title: 'Each link covers its number and the link before',
      file: CHAIN,
      removal: {
        edits: [
          {
            file: CHAIN,
            find: '[seq, eventId, ...times, hex(eventMac), hex(before)]',
            replace: '[eventId, ...times, hex(eventMac)]',
          },
        ],
      },
      opens: ['audit-owner-closes-gap', 'audit-owner-reorders'],
    },
    {
      id: 'audit-told-elsewhere',
      title: 'Signed checkpoints leave the database',
      file: SEALER,
      removal: {
        edits: [
          {
            file: SEALER,
            find: "if (checkpoint) this.log.tell('sys_audit_checkpoint', checkpoint);",
            replace: '',
          },
        ],
      },
      opens: ['audit-owner-truncates', 'audit-owner-begins-anew'],
    },
    {
      id: 'audit-with-the-change',
      title: 'The event commits with the change',
      file: LOG,
      removal: beside('this.writeRow(event, facts, request);'),
      opens: ['audit-unrecorded-sign-in', 'audit-unrecorded-password'],
    },
  ],
};
