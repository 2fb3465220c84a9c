import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Actor, Role } from './actor.js';

export const PUBLIC = 'bulwark:public';
export const ROLES_ALLOWED = 'bulwark:roles';

/** Anybody may call this route, without a token. */
export const Public = () => SetMetadata(PUBLIC, true);

/** Signed-in users with one of these roles may call this route. */
export const Roles = (...roles: [Role, ...Role[]]) => SetMetadata(ROLES_ALLOWED, roles);

/** The verified caller, for the service's first argument. Throws on a route that is public. */
export const CurrentActor = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Actor => {
    const { actor } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!actor) throw new TypeError('@CurrentActor() stands on a route that is @Public()');
    return actor;
  },
);
