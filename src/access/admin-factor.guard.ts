import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { Problem } from '../http/problem.js';
import { ROLES_ALLOWED } from './access.decorators.js';
import type { Role } from './actor.js';

/** Where the operator wants it so, an administrator administers after two factors or not at all. */
@Injectable()
export class AdminFactorGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly config: Config,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (!this.config.adminsNeedSecondFactor) return true;
    const allowed = this.reflector.get<Role[] | undefined>(ROLES_ALLOWED, context.getHandler());
    const { actor } = context.switchToHttp().getRequest<FastifyRequest>();
    // What is everybody's stays open: there the factor is added.
    const administers = allowed !== undefined && !allowed.includes('user');
    if (administers && !actor?.twoFactor) throw new Problem('second_factor_required_for_role');
    return true;
  }
}
