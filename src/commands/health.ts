// node dist/commands/health.js: whether the app on this machine is ready; exits with 0 or 1. For HEALTHCHECK.
import { readFileSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { get as getOverTls } from 'node:https';
import { readEnvironment } from '../config/environment.js';

const { PORT: port, TLS_CERT_FILE: certFile } = readEnvironment(process.env);
const place = { host: '127.0.0.1', port, path: '/v1/health/ready' };

const request = certFile
  ? getOverTls({
      ...place,
      // The very certificate that the app serves, and no other: its name is the one that clients know.
      ca: readFileSync(certFile),
      allowPartialTrustChain: true,
      checkServerIdentity: () => undefined,
    })
  : getPlain(place);
request.on('response', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1));
request.on('error', () => process.exit(1));
