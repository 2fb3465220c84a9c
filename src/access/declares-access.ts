import type { DeclaredRoute } from '../http/declared-routes.js';
import type { ProblemCode } from '../http/problem.js';
import type { RouteCheck } from '../http/route-proof.js';
import { ACROSS_OWNERS, FRESH_AUTH, PUBLIC, ROLES_ALLOWED } from './access.decorators.js';
import type { Role } from './actor.js';

const isForUsers = (handler: object): boolean =>
  ((Reflect.getMetadata(ROLES_ALLOWED, handler) ?? []) as Role[]).includes('user');

/** Part of the route proof: each route says who may call it, in one way. */
export const declaresAccess: RouteCheck = ({ handler }) => {
  const isPublic = Reflect.hasMetadata(PUBLIC, handler);
  const hasRoles = Reflect.hasMetadata(ROLES_ALLOWED, handler);
  if (!isPublic && !hasRoles)
    return [
      "does not say who may call it: add @Roles('user', 'admin'), @Roles('admin') or @Public()",
    ];
  if (isPublic && hasRoles) return ['is @Public() and has @Roles(): keep one of them'];
  return contradictionsOf(handler, isPublic);
};

/** What does not go together with who may call. */
function contradictionsOf(handler: object, isPublic: boolean): string[] {
  const faults: string[] = [];
  if (isPublic && Reflect.hasMetadata(FRESH_AUTH, handler))
    faults.push('is @Public() and has @FreshAuth(): nobody has signed in there');
  if (isForUsers(handler) && Reflect.hasMetadata(ACROSS_OWNERS, handler))
    faults.push(
      'is for users and has @AcrossOwners(): one forgotten condition would show them all rows',
    );
  return faults;
}

/** What the guards of this route can answer beyond what every route that asks for a token can. */
export function problemsOfAccess({ handler }: Pick<DeclaredRoute, 'handler'>): ProblemCode[] {
  const administers = Reflect.hasMetadata(ROLES_ALLOWED, handler) && !isForUsers(handler);
  return [
    ...(Reflect.hasMetadata(FRESH_AUTH, handler)
      ? (['insufficient_user_authentication'] as const)
      : []),
    ...(administers ? (['second_factor_required_for_role'] as const) : []),
  ];
}
