import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.js';
import { inputsOf, type RouteInputs } from './route-inputs.js';

/** A route that declares no query or no body gets none: pipes see only what is declared. */
@Injectable()
export class DeclaredInputGuard implements CanActivate {
  private readonly known = new WeakMap<object, RouteInputs>();

  canActivate(context: ExecutionContext): boolean {
    const { query, body } = context.switchToHttp().getRequest<FastifyRequest>();
    const declared = this.inputsOf(context);
    if (!declared.query && hasKeys(query)) throw unexpected('/?', 'takes no query');
    if (!declared.body && body !== undefined && body !== null)
      throw unexpected('', 'takes no body');
    return true;
  }

  private inputsOf(context: ExecutionContext): RouteInputs {
    const handler = context.getHandler();
    const known = this.known.get(handler) ?? inputsOf(context.getClass(), handler.name);
    this.known.set(handler, known);
    return known;
  }
}

function hasKeys(query: unknown): boolean {
  for (const _key in query as object) return true;
  return false;
}

const unexpected = (at: string, message: string) =>
  new Problem('validation_failed', { errors: [{ at, rule: 'notDeclared', message }] });
