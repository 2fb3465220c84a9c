import type { Edit } from '../engine/lesson.js';

const ME = 'src/users/me.controller.ts';

/**
 * A colleague’s two routes. The type of the first body is gone at run time; the class of the second
 * is there and says nothing about its fields.
 */
export const carelessBodies: Edit[] = [
  {
    file: ME,
    find: "@ApiTags('users')\n",
    replace: `import { Put } from '@nestjs/common';

class Preferences {
  displayName!: string;
}

@ApiTags('users')
`,
  },
  {
    file: ME,
    find: '  @Patch()\n',
    replace: `  @Patch('preferences')
  @Roles('user', 'admin')
  @RateLimit('write')
  @Returns(200, ProfileResponse)
  patchPreferences(@CurrentActor() actor: Actor, @Body() changes: Partial<Preferences>) {
    return this.users.changePreferences(actor, changes);
  }

  @Put('preferences')
  @Roles('user', 'admin')
  @RateLimit('write')
  @Returns(200, ProfileResponse)
  putPreferences(@CurrentActor() actor: Actor, @Body() changes: Preferences) {
    return this.users.changePreferences(actor, changes);
  }

  @Patch()
`,
  },
  {
    file: 'src/users/users.service.ts',
    find: '  async changeOwn(',
    replace: `  async changePreferences(actor: Actor, changes: object): Promise<User> {
    await this.users.update({ id: actor.userId }, changes);
    return this.getOwn(actor);
  }

  async changeOwn(`,
  },
];
