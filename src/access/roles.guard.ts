import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import { PUBLIC, ROLES_ALLOWED } from './access.decorators.js';
import type { Role } from './actor.js';

/** Deny by default: a route that names neither `@Public()` nor `@Roles()` is open to nobody. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    if (this.reflector.get<true | undefined>(PUBLIC, handler)) return true;
    const allowed = this.reflector.get<Role[] | undefined>(ROLES_ALLOWED, handler) ?? [];
    const { actor } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!actor || !allowed.includes(actor.role)) throw new Problem('forbidden');
    return true;
  }
}
