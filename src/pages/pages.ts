import type { FastifyInstance } from 'fastify';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveAsset } from '../http/assets.js';
import { LINK_PAGES } from './link-forms.js';

/** Nothing but our own script and style, which may speak to our own API; no frame, no other form. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

/** A QR code is a picture that the page makes of an answer. */
const POLICY_WITH_PICTURE = `${POLICY}; img-src data:`;

const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const FILES = {
  'sign-in': ['sign-in.html', HTML],
  security: ['security.html', HTML, POLICY_WITH_PICTURE],
  'sign-in.js': ['sign-in.js', SCRIPT],
  'security.js': ['security.js', SCRIPT],
  'prove.js': ['prove.js', SCRIPT],
  'passkey.js': ['passkey.js', SCRIPT],
  'api.js': ['api.js', SCRIPT],
  'dom.js': ['dom.js', SCRIPT],
  'form.js': ['form.js', SCRIPT],
  'style.css': ['style.css', 'text/css; charset=utf-8'],
} as const satisfies Record<string, [file: string, type: string, policy?: string]>;

/** What a person sees: links of mails, signing in, security. Getting a page changes nothing. */
export function servePages(fastify: FastifyInstance): void {
  for (const [name, [file, type, policy = POLICY]] of Object.entries(FILES)) {
    const body = readFileSync(join(import.meta.dirname, file), 'utf8');
    serveAsset(fastify, `/account/${name}`, { type, body, policy });
  }
  for (const [name, body] of LINK_PAGES)
    serveAsset(fastify, `/account/${name}`, { type: HTML, body, policy: POLICY });
}
