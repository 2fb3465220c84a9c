import type { Edit } from '../engine/lesson.js';

const ME = 'src/users/me.controller.ts';

/** A colleague adds a secret column, and reads it with the rest of the row. */
export const newSecret = {
  sql: `ALTER TABLE users ADD COLUMN recovery_code text NOT NULL DEFAULT 'K7Q2-M9XX-41TD'`,
  edits: [
    {
      file: 'src/users/user.entity.ts',
      find: "  @Plain('one of two words')\n  role!: Role;\n",
      replace: `  @Plain('one of two words')
  role!: Role;

  @Column('text', { name: 'recovery_code' })
  @Plain('a colleague says so')
  recoveryCode!: string;
`,
    },
  ] satisfies Edit[],
};

/** For support: the whole row. */
const wholeRow: Edit = {
  file: 'src/users/users.service.ts',
  find: '  async changeOwn(',
  replace: `  async wholeRow({ userId }: Actor): Promise<object> {
    const rows = await this.dataSource.query('SELECT * FROM users WHERE id = $1', [userId]);
    return rows[0];
  }

  async changeOwn(`,
};

/** Two routes that write their bodies themselves, so that there is nothing to serialize. */
export const ownBodies: Edit[] = [
  wholeRow,
  {
    file: ME,
    find: "@ApiTags('users')\n",
    replace: "import { StreamableFile } from '@nestjs/common';\n\n@ApiTags('users')\n",
  },
  {
    file: ME,
    find: '  @Patch()\n',
    replace: `  @Get('text')
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, ProfileResponse)
  async text(@CurrentActor() actor: Actor) {
    return JSON.stringify(await this.users.wholeRow(actor));
  }

  @Get('file')
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, ProfileResponse)
  async file(@CurrentActor() actor: Actor) {
    return new StreamableFile(Buffer.from(JSON.stringify(await this.users.wholeRow(actor))));
  }

  @Patch()
`,
  },
];

/** A route that does not say what it answers. */
export const undeclaredAnswer: Edit[] = [
  wholeRow,
  {
    file: ME,
    find: '  @Patch()\n',
    replace: `  @Get('everything')
  @Roles('user', 'admin')
  @RateLimit('read')
  everything(@CurrentActor() actor: Actor) {
    return this.users.wholeRow(actor);
  }

  @Patch()
`,
  },
];
