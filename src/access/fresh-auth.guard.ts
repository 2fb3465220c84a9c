import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { staleProblem } from '../http/problem.js';
import { FRESH_AUTH } from './access.decorators.js';

/** A token that was stolen from an old session does not reach what stands under `@FreshAuth()`. */
@Injectable()
export class FreshAuthGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const within = this.reflector.get<number | undefined>(FRESH_AUTH, context.getHandler());
    if (within === undefined) return true;
    const { actor } = context.switchToHttp().getRequest<FastifyRequest>();
    const provenAt = actor?.authenticatedAt ?? Number.NEGATIVE_INFINITY;
    if (Date.now() / 1_000 - provenAt > within) throw staleProblem(within);
    return true;
  }
}
