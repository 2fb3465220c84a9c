import type { Change, Control, Edit, Stack } from '../engine/lesson.js';

const ACTING = 'src/database/acting.ts';
const MIGRATION = 'migrations/0012-row-security.sql';
const CLIENT = 'src/database/prepared-client.ts';
const MODULE = 'src/database/database.module.ts';
const DECLARES = 'src/access/declares-access.ts';

/** Every request may reach every row: what the statements say is the only wall. */
export const everyRequestAcrossOwners: Edit = {
  file: ACTING,
  find: 'acting.getStore()?.() ?? NOBODY',
  replace: 'ACROSS_OWNERS',
};

/** For what is to be seen of a mistake in a statement when nothing stands behind it. */
export const withNothingBehind = (change: Change): Change => ({
  ...change,
  edits: [...(change.edits ?? []), everyRequestAcrossOwners],
});

/** A condition in a statement, and the policies behind it: without both, the attacks succeed. */
export const behindRowSecurity = (control: string, opens: string[]): Stack => ({
  controls: [control, 'rls-actor'],
  opens,
});

const withoutBootCheck: Edit = {
  file: MODULE,
  find: '    await assertRowSecurity(this.dataSource);\n',
  replace: '',
};

export const controls: Control[] = [
  {
    id: 'rls-actor',
    title: 'Each statement runs on behalf of whoever has signed in',
    file: ACTING,
    removal: { edits: [everyRequestAcrossOwners] },
    opens: [
      'rls-read',
      'rls-list',
      'rls-change',
      'rls-change-as-reader',
      'rls-delete',
      'rls-sessions',
      'rls-nobody',
      'rls-leftover',
      'rls-behind-system',
    ],
  },
  {
    id: 'rls-policies',
    title: 'Each table says whose rows are whose',
    file: MIGRATION,
    removal: { sql: 'CREATE POLICY everybody ON resources USING (owner_id IS NOT NULL)' },
    opens: [
      'rls-read',
      'rls-list',
      'rls-change',
      'rls-change-as-reader',
      'rls-delete',
      'rls-nobody',
      'rls-leftover',
      'rls-behind-system',
      'rls-owner-tool',
    ],
  },
  {
    id: 'rls-every-statement',
    title: 'A statement that binds nothing says its actor, too',
    file: CLIENT,
    removal: {
      edits: [
        {
          file: CLIENT,
          find: 'if (CONTROL.test(statement)) return statement;',
          replace: 'if (!values) return statement;',
        },
      ],
    },
    opens: ['rls-behind-system'],
  },
  {
    id: 'rls-one-transaction',
    title: 'The actor is forgotten with the transaction',
    file: 'src/database/acting-query.ts',
    removal: {
      edits: [
        {
          file: 'src/database/acting-query.ts',
          find: "set_config('bulwark.actor', $1, true)",
          replace: "set_config('bulwark.actor', $1, false)",
        },
      ],
    },
    opens: [],
  },
  {
    id: 'rls-boot-check',
    title: 'The app does not start while a table with somebody’s rows is unprotected',
    file: 'src/database/row-security.ts',
    removal: { edits: [withoutBootCheck] },
    opens: ['rls-unprotected-table', 'rls-open-policy'],
  },
  {
    id: 'rls-force',
    title: 'The owner of the tables is held, too',
    file: MIGRATION,
    removal: {
      sql: 'ALTER TABLE resources NO FORCE ROW LEVEL SECURITY',
      edits: [
        {
          file: 'src/database/row-security.ts',
          find: 'NOT (relrowsecurity AND relforcerowsecurity)',
          replace: 'NOT relrowsecurity',
        },
      ],
    },
    opens: ['rls-owner-tool'],
  },
  {
    id: 'rls-owner-stays',
    title: 'No right to change whose a row is',
    file: MIGRATION,
    removal: { sql: 'GRANT UPDATE (owner_id) ON resources TO bulwark_app' },
    opens: ['rls-take-over'],
  },
  {
    id: 'rls-users-own-only',
    title: 'No route of users acts across owners',
    file: DECLARES,
    removal: {
      edits: [
        {
          file: DECLARES,
          find: 'if (isForUsers(handler) && Reflect.hasMetadata(ACROSS_OWNERS, handler))',
          replace: 'if (Date.now() < 0)',
        },
      ],
    },
    opens: ['rls-across-owners'],
  },
];
