import {
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyBaseLogger } from 'fastify';
import { requestLog } from '../http/logger.js';

/** Names of the OWASP Logging Vocabulary; the level says who should look. */
export const LEVELS = {
  authn_login_success: 'info',
  authn_login_fail: 'warn',
  authn_login_fail_max: 'warn',
  authn_token_created: 'info',
  authn_token_revoked: 'info',
  authn_token_reuse: 'error',
  authn_token_invalid: 'warn',
  authn_sent_in_clear: 'error',
  authn_factor_added: 'warn',
  authn_factor_removed: 'warn',
  authn_factor_fail: 'warn',
  authn_passkey_cloned: 'error',
  authn_recovery_code_used: 'warn',
  authn_recovery_codes_created: 'info',
  authn_password_change: 'info',
  authn_password_change_fail: 'warn',
  authz_fail: 'warn',
  authz_admin: 'warn',
  data_integrity_fail: 'error',
  input_validation_fail: 'warn',
  excess_rate_limit_exceeded: 'warn',
  user_created: 'info',
  user_updated: 'info',
  user_deleted: 'info',
  user_exported: 'warn',
  privilege_permissions_changed: 'warn',
  sys_startup: 'info',
  sys_shutdown: 'info',
} as const;

export type SecurityEvent = keyof typeof LEVELS;
/** Ids, codes and addresses. Never a secret, a token or an e-mail address. */
export type EventFacts = Record<string, string | number | boolean | undefined>;

/** Writes security events as log lines that a rule can match on `event` (ASVS 16.3). */
@Injectable()
export class SecurityLog implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  onApplicationBootstrap(): void {
    this.record('sys_startup');
  }

  onApplicationShutdown(): void {
    this.record('sys_shutdown');
  }

  record(event: SecurityEvent, facts: EventFacts = {}): void {
    const fastify = this.adapterHost.httpAdapter.getInstance<{ log: FastifyBaseLogger }>();
    writeEvent(requestLog.getStore() ?? fastify.log, event, facts);
  }
}

export function writeEvent(log: FastifyBaseLogger, event: SecurityEvent, facts: EventFacts): void {
  log[LEVELS[event]]({ event, ...facts }, 'security event');
}
