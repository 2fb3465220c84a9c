import type { RouteCheck } from '../http/route-proof.js';
import { PUBLIC, ROLES_ALLOWED } from './access.decorators.js';

/** Part of the route proof: each route says who may call it, in one way. */
export const declaresAccess: RouteCheck = ({ handler }) => {
  const isPublic = Reflect.hasMetadata(PUBLIC, handler);
  const hasRoles = Reflect.hasMetadata(ROLES_ALLOWED, handler);
  if (!isPublic && !hasRoles)
    return [
      "does not say who may call it: add @Roles('user', 'admin'), @Roles('admin') or @Public()",
    ];
  return isPublic && hasRoles ? ['is @Public() and has @Roles(): keep one of them'] : [];
};
