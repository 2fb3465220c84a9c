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
  crypto_key_added: 'warn',
  crypto_key_retired: 'warn',
  crypto_key_deleted: 'warn',
  data_integrity_fail: 'error',
  input_validation_fail: 'warn',
  excess_rate_limit_exceeded: 'warn',
  sensitive_delete: 'warn',
  user_created: 'info',
  user_updated: 'info',
  user_deleted: 'info',
  user_exported: 'warn',
  privilege_permissions_changed: 'warn',
  sys_startup: 'info',
  sys_shutdown: 'info',
  sys_audit_checkpoint: 'info',
  sys_audit_dropped: 'warn',
} as const;

export type SecurityEvent = keyof typeof LEVELS;
export const EVENTS = Object.keys(LEVELS) as SecurityEvent[];

/**
 * Lines of the log and no rows: anybody without an account makes as many of these as he likes, and would
 * fill the disk with them. Tokens come every few minutes to everybody; a checkpoint has its own table.
 */
export const LINES_ONLY: ReadonlySet<SecurityEvent> = new Set([
  'authn_token_created',
  'authn_token_invalid',
  'input_validation_fail',
  'excess_rate_limit_exceeded',
  'sys_audit_checkpoint',
]);

export const OUTCOMES = ['success', 'failure'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const FAILURES: ReadonlySet<SecurityEvent> = new Set(
  EVENTS.filter((name) => /_fail(_max)?$|_reuse$|_cloned$/.test(name)),
);
export const outcomeOf = (event: SecurityEvent): Outcome =>
  FAILURES.has(event) ? 'failure' : 'success';

/** Ids, codes and addresses. Never a secret, a token or an e-mail address. */
export type EventFacts = Record<string, string | number | boolean | undefined>;
