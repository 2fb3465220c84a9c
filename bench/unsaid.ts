import type { Edit } from '../lessons/engine/lesson.js';

/** Statements without their actor, in an app that lets its role go past the policies. */
export const UNSAID: Edit[] = [
  {
    file: 'src/database/prepared-client.ts',
    find: 'return new ActingQuery(named, currentActor());',
    replace: 'return named as never;',
  },
  {
    file: 'src/database/database.module.ts',
    find: '    await assertLeastPrivilege(this.dataSource);\n',
    replace: '',
  },
];
