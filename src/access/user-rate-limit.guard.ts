import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { applyQuota, limiterPerClass, RATE_LIMITS, type Limits } from '../http/rate-limit.js';

/** The budget of one user, wherever he calls from. */
@Injectable()
export class UserRateLimitGuard implements CanActivate {
  private readonly limiters = limiterPerClass();

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { actor, route } = http.getRequest<FastifyRequest>();
    const name = route?.rateLimit;
    if (!actor || !name) return true;
    const { perUser }: Limits = RATE_LIMITS[name];
    if (perUser === undefined) return true;
    const quota = this.limiters[name].take(actor.userId, perUser);
    applyQuota(http.getResponse<FastifyReply>(), `${name}-user`, quota);
    return true;
  }
}
