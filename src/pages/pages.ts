import type { FastifyInstance } from 'fastify';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveAsset } from '../http/assets.js';

/** Nothing but our own script and style, which may speak to our own API; no frame, no other form. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

const FILES = {
  'reset-password': ['reset-password.html', 'text/html; charset=utf-8'],
  'verify-address': ['verify-address.html', 'text/html; charset=utf-8'],
  'confirm-email-change': ['confirm-email-change.html', 'text/html; charset=utf-8'],
  'undo-email-change': ['undo-email-change.html', 'text/html; charset=utf-8'],
  'accept-invitation': ['accept-invitation.html', 'text/html; charset=utf-8'],
  'form.js': ['form.js', 'text/javascript; charset=utf-8'],
  'style.css': ['style.css', 'text/css; charset=utf-8'],
} as const;

/** What a person sees who opens the link of a mail. Getting a page changes nothing. */
export function servePages(fastify: FastifyInstance): void {
  for (const [name, [file, type]] of Object.entries(FILES)) {
    const body = readFileSync(join(import.meta.dirname, file), 'utf8');
    serveAsset(fastify, `/account/${name}`, { type, body, policy: POLICY });
  }
}
