import {
  applyDecorators,
  createParamDecorator,
  SetMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { routeConfig } from '../http/route-config.js';
import type { Actor, Role } from './actor.js';

export const PUBLIC = 'bulwark:public';
export const ROLES_ALLOWED = 'bulwark:roles';
export const FRESH_AUTH = 'bulwark:fresh-auth';
export const ACROSS_OWNERS = 'bulwark:across-owners';

/** Anybody may call this route, without a token. */
export const Public = () => SetMetadata(PUBLIC, true);

/** Signed-in users with one of these roles may call this route. */
export const Roles = (...roles: [Role, ...Role[]]) => SetMetadata(ROLES_ALLOWED, roles);

/**
 * The work of this route is nobody's own: it signs somebody in, or an administrator does it. Row-level
 * security lets its statements reach every row, so their own conditions are the only wall.
 */
export const AcrossOwners = () =>
  applyDecorators(SetMetadata(ACROSS_OWNERS, true), routeConfig({ acrossOwners: true }));

/**
 * Only sessions that proved their credentials so recently may call this route (RFC 9470, ASVS 7.5.3):
 * `POST /v1/auth/reauthenticate` does it anew.
 */
export const FreshAuth = ({ withinSeconds }: { withinSeconds: number }) =>
  SetMetadata(FRESH_AUTH, withinSeconds);

/**
 * For what opens an account, hands it over, takes it along or ends it: a factor of the thief's, say, would
 * outlast every new password of the owner's. Where there is a second factor, it takes both.
 */
export const FRESH = { withinSeconds: 300 };

/** The verified caller, for the service's first argument. Throws on a route that is public. */
export const CurrentActor = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Actor => {
    const { actor } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!actor) throw new TypeError('@CurrentActor() stands on a route that is @Public()');
    return actor;
  },
);
