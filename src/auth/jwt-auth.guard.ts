import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { PUBLIC } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RevocationFeed } from '../access/revocation-feed.js';
import { bearerProblem } from '../http/problem.js';
import { JwtStrategy } from './jwt.strategy.js';

/** Global: every route that is not `@Public()` needs a valid access token of a live session. */
@Injectable()
export class JwtAuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly strategy: JwtStrategy,
    private readonly revocations: RevocationFeed,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.get<true | undefined>(PUBLIC, context.getHandler())) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const actor = await this.authenticate(request);
    const revoked = this.revocations.isRevoked(actor.sessionId);
    if (typeof revoked === 'boolean' ? revoked : await revoked)
      throw bearerProblem('invalid_token');
    request.actor = actor;
    return true;
  }

  private async authenticate(request: FastifyRequest): Promise<Actor> {
    if (!request.headers.authorization) throw bearerProblem('authentication_required');
    try {
      return await this.strategy.authenticate(request.raw);
    } catch (cause) {
      throw bearerProblem('invalid_token', cause);
    }
  }
}
