import type { Edit } from '../engine/lesson.js';

const ACCESS = 'src/resources/resource-access.ts';
const RESOURCES = 'src/resources/resources.service.ts';
const LISTS = 'src/resources/resource-lists.service.ts';
const SESSIONS = 'src/auth/session-lists.service.ts';
const CONTROLLER = 'src/resources/resources.controller.ts';

/** What a colleague forgets one day, in a statement that passed the review. */
export const forgotten = {
  read: [
    {
      file: ACCESS,
      find: 'export const MAY_READ = `(resources.owner_id = :actor OR EXISTS (',
      replace: 'export const MAY_READ = `(:actor::uuid IS NOT NULL OR EXISTS (',
    },
  ],
  list: [
    {
      file: LISTS,
      find: '[asFirst(IS_OWNER), ...conditions]',
      replace: "['$1::uuid IS NOT NULL', ...conditions]",
    },
  ],
  change: [
    {
      file: RESOURCES,
      find: '\n        .andWhere(MAY_WRITE, { actor: actor.userId })',
      replace: '',
    },
  ],
  remove: [
    { file: RESOURCES, find: '\n      .andWhere(IS_OWNER, { actor: actor.userId })', replace: '' },
  ],
  sessions: [
    {
      file: SESSIONS,
      find: 'WHERE s.user_id = ${userId} AND s.revoked_at',
      replace: 'WHERE s.revoked_at',
    },
  ],
} satisfies Record<string, Edit[]>;

/** The start page is to show what is new: nobody asked whose it is. */
const newest = (items: string): Edit[] => [
  {
    file: CONTROLLER,
    find: "import { CurrentActor, Roles } from '../access/access.decorators.js';",
    replace: "import { CurrentActor, Public, Roles } from '../access/access.decorators.js';",
  },
  {
    file: CONTROLLER,
    find: "  @Get('shared-with-me')\n",
    replace: `  @Get('newest')
  @Public()
  @RateLimit('read')
  @Returns(200, ResourcePageResponse)
  newest() {
    return this.lists.newest();
  }

  @Get('shared-with-me')
`,
  },
  {
    file: LISTS,
    find: "  /** The actor's own. Throws `invalid_cursor`. */\n",
    replace: `  async newest() {
    const NEWEST = \`SELECT \${SUMMARY} FROM resources ORDER BY created_at DESC LIMIT 20\`;
    const items = await ${items};
    return { items, nextCursor: null };
  }

  /** The actor's own. Throws \`invalid_cursor\`. */
`,
  },
];
export const newestOfAll = newest('this.dataSource.query<Summary[]>(NEWEST, [])');
/** No values: there are none to bind. */
export const newestUnsaid = newest('this.dataSource.query<Summary[]>(NEWEST)');
/** How many there are is no secret, and takes a look at all of them. */
export const newestBehindCount: Edit[] = [
  ...newest(`this.dataSource.transaction(async (tx) => {
      await acrossOwners(() => tx.query('SELECT count(*) FROM resources WHERE $1', [true]));
      return tx.query<Summary[]>(NEWEST);
    })`),
  {
    file: LISTS,
    find: 'import { Cursors, rowsToRead,',
    replace: "import { acrossOwners } from '../database/acting.js';\nimport { Cursors, rowsToRead,",
  },
];

/** "It found nothing, so I gave it more rights." */
export const userRouteAcrossOwners: Edit[] = [
  ...forgotten.list,
  {
    file: CONTROLLER,
    find: "import { CurrentActor, Roles } from '../access/access.decorators.js';",
    replace: "import { AcrossOwners, CurrentActor, Roles } from '../access/access.decorators.js';",
  },
  {
    file: CONTROLLER,
    find: "  @ApiOperation({ summary: 'List your own resources' })\n",
    replace: "  @ApiOperation({ summary: 'List your own resources' })\n  @AcrossOwners()\n",
  },
];
