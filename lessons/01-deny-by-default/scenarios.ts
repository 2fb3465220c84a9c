import type { Edit } from '../engine/lesson.js';

/** What colleagues add to the app in a hurry. */
const ME = 'src/users/me.controller.ts';
const USERS = 'src/users/users.controller.ts';

/** Nobody said who may call it. */
export const undeclaredRoute: Edit[] = [
  {
    file: USERS,
    find: "  @Get(':id')\n",
    replace: `  @Get('newest')
  @RateLimit('read')
  @Returns(200, UserPageResponse)
  newest(@CurrentActor() actor: Actor) {
    return this.users.list(actor, {});
  }

  @Get(':id')
`,
  },
];

/** A route beside Nest, for the maintenance job: no guard and no pipe ever sees it. */
export const rawRoute: Edit[] = [
  {
    file: 'src/app.setup.ts',
    find: '  acceptOnlyStrictJson(fastify);\n',
    replace: `  acceptOnlyStrictJson(fastify);
  const { DataSource } = await import('typeorm');
  const { acrossOwners } = await import('./database/acting.js');
  fastify.delete('/internal/resources/:id', async (request, reply) => {
    const { id } = request.params as { id: string };
    await acrossOwners(() => app.get(DataSource).query('DELETE FROM resources WHERE id = $1', [id]));
    return reply.code(204).send();
  });
`,
  },
];

/** The gateway is to say who calls. Whoever reaches the app can say it too. */
export const rawHeader: Edit[] = [
  {
    file: ME,
    find: "@ApiTags('users')\n",
    replace: "import { Headers } from '@nestjs/common';\n\n@ApiTags('users')\n",
  },
  {
    file: ME,
    find: '  @Patch()\n',
    replace: `  @Get('by-gateway')
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, ProfileResponse)
  readByGateway(@Headers('x-user-id') userId: string) {
    return this.users.getById(userId);
  }

  @Patch()
`,
  },
];

/** Support is to see what a user sees. The route proof cannot look into a decorator of ours. */
export const actingFor: Edit[] = [
  {
    file: 'src/access/access.decorators.ts',
    find: '    return actor;\n',
    replace: `    const { query, body } = context.switchToHttp().getRequest();
    const actingFor = query.as ?? body?.as;
    return actingFor ? { ...actor, userId: actingFor } : actor;
`,
  },
];
