import type { Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const MODULE = 'src/database/database.module.ts';
const CHECK = 'src/database/least-privilege.ts';
const MIGRATION = 'migrations/0001-foundation.sql';

const wrongFixes: WrongFix[] = [
  {
    id: 'role-not-superuser',
    title: 'Check at start that the role is no superuser',
    why: 'Most of what an injection wants needs no superuser: a schema to write to is enough.',
    change: {
      edits: [
        {
          file: CHECK,
          find: "if (rights === '') return;",
          replace: "if (!rights?.includes('SUPERUSER')) return;",
        },
      ],
    },
    opens: ['role-create-function', 'role-shadow-table', 'role-empty-tables'],
  },
  {
    id: 'role-rows-of-all-tables',
    title: 'Grant the four verbs on all tables but those of the audit log: they are only rows',
    why: 'Some rows are about the schema, and the app has no business in them.',
    change: {
      sql: `
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO bulwark_app;
        DO $$
        DECLARE name text;
        BEGIN
          FOR name IN SELECT relname FROM pg_class WHERE relname LIKE 'audit\\_%' AND relkind IN ('r', 'p')
          LOOP
            EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM bulwark_app', name);
          END LOOP;
        END $$`,
    },
    opens: ['role-forge-migration'],
  },
];

export const lesson: Lesson = {
  folder: '23-least-privilege-database',
  title: 'A database role that can do little',
  claim:
    'Whoever can run SQL as the app can read and write the app’s rows, and nothing else; the app does not serve with more rights.',
  asvs: ['13.2.2', '13.2.3'],
  api: ['API8:2023'],
  attacks,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    await target.resource(ada);
    const { status } = await target.stranger().get('/v1/health/ready');
    if (status !== 200) throw new Error('the app may not read which migrations have run');
  },
  controls: [
    {
      id: 'role-boot-check',
      title: 'The app does not start with more rights than rows need',
      file: CHECK,
      removal: {
        edits: [
          {
            file: MODULE,
            find: 'await assertLeastPrivilege(this.dataSource);',
            replace: '',
          },
        ],
      },
      opens: ['role-create-function', 'role-shadow-table', 'role-empty-tables'],
    },
    {
      id: 'role-named-verbs',
      title: 'Each grant names its tables and its verbs',
      file: MIGRATION,
      removal: { sql: 'GRANT INSERT ON migrations TO bulwark_app' },
      opens: ['role-forge-migration'],
    },
  ],
};
