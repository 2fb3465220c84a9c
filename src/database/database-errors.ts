import { types } from 'node:util';
import { QueryFailedError } from 'typeorm';

/** SQLSTATE classes and codes of a server that is away, full, stopping, too slow, or asks to try again. */
const UNAVAILABLE = /^(08|40|53|57P0|57014|55P03|25P03|25006)/;
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** What OpenSSL and Node say of a server that is not who it should be, or speaks TLS as nobody should. */
const UNVERIFIED = /CERT|ISSUER|LEAF_SIGNATURE|^ERR_(TLS|SSL)_/;
/** What pg and pg-pool say without a code. */
const MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|not queryable|Client was closed|Cannot use a pool after/;

const NO_TLS = 'The server does not support SSL connections';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';
const CHECK_VIOLATION = '23514';
const INSUFFICIENT_PRIVILEGE = '42501';

/** Whether trying again later may help, because the database and not the request is at fault. */
export function isDatabaseUnavailable(error: unknown): boolean {
  // Not instanceof: where code runs in a context of its own, the network's errors come from outside.
  if (!types.isNativeError(error)) return false;
  const { code, message } = driverError(error);
  if (isUnverifiedServer(error)) return true;
  return UNAVAILABLE.test(code ?? '') || NETWORK.has(code ?? '') || MESSAGES.test(message);
}

/** Whether the server's certificate, or its lack of one, ended the connection. */
export function isUnverifiedServer(error: Error): boolean {
  const { code, message } = driverError(error);
  return UNVERIFIED.test(code ?? '') || message === NO_TLS;
}

export const isUniqueViolation = (error: unknown) => sqlState(error) === UNIQUE_VIOLATION;
export const isForeignKeyViolation = (error: unknown) => sqlState(error) === FOREIGN_KEY_VIOLATION;

/** Whether a policy refused what a statement writes. A right that is missing has the same code. */
export const isRowSecurityViolation = (error: unknown): boolean =>
  sqlState(error) === INSUFFICIENT_PRIVILEGE &&
  driverError(error as QueryFailedError).routine === 'ExecWithCheckOptions';

/** Whether it was this rule of the table that refused the row. */
export const violates = (error: unknown, constraint: string) =>
  sqlState(error) === CHECK_VIOLATION &&
  driverError(error as QueryFailedError).constraint === constraint;

interface DriverError {
  code?: string;
  constraint?: string;
  routine?: string;
  message: string;
}

const sqlState = (error: unknown) =>
  error instanceof QueryFailedError ? driverError(error).code : undefined;

function driverError(error: Error): DriverError {
  return error instanceof QueryFailedError ? error.driverError : error;
}
