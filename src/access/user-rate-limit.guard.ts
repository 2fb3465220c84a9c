import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { applyQuota, RATE_LIMITS, type Limits } from '../http/rate-limit.js';
import { RateLimiter } from '../http/rate-limiter.js';

/** The budget of one user, wherever he calls from. */
@Injectable()
export class UserRateLimitGuard implements CanActivate {
  private readonly limiter = new RateLimiter();

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { actor, routeOptions } = http.getRequest<FastifyRequest>();
    const name = routeOptions.config.rateLimit;
    if (!actor || !name) return true;
    const { perUser }: Limits = RATE_LIMITS[name];
    if (perUser === undefined) return true;
    const quota = this.limiter.take(`${name}|${actor.userId}`, perUser);
    applyQuota(http.getResponse<FastifyReply>(), `${name}-user`, quota);
    return true;
  }
}
