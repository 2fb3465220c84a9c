import { Secret, TOTP } from 'otpauth';
import { renderSVG } from 'uqr';

const ISSUER = 'Bulwark';
/** RFC 4226 §4 asks for 128 bits and recommends 160. */
const SECRET_BYTES = 20;
const DIGITS = 6;
export const STEP_SECONDS = 30;
/** RFC 6238 §5.2: one step for a slow typist or a clock that is wrong, on either side. */
export const DRIFT_STEPS = 1;

/** RFC 6238. HMAC-SHA-1, because many authenticator apps take no other, and some only seem to. */
const rules = (secret: Uint8Array, label = '') =>
  new TOTP({
    issuer: ISSUER,
    label,
    secret: new Secret({ buffer: Uint8Array.from(secret).buffer }),
    digits: DIGITS,
    period: STEP_SECONDS,
  });

export const isTotpCode = (code: string) => /^\d{6}$/.test(code);

/** From the system's random source (RFC 4226 §7.5). */
export const createTotpSecret = (): Uint8Array => new Secret({ size: SECRET_BYTES }).bytes;

/** What an authenticator app takes: as text to type, as a link, as a picture. */
export function totpEnrolment(secret: Uint8Array, label: string) {
  const totp = rules(secret, label);
  const uri = totp.toString();
  return { secret: totp.secret.base32, uri, qrCode: renderSVG(uri, { border: 4 }) };
}

/** The time step that this code belongs to; null when it is none of now and its neighbours. */
export function totpStepOf(secret: Uint8Array, code: string): number | null {
  const timestamp = Date.now();
  const delta = rules(secret).validate({ token: code, timestamp, window: DRIFT_STEPS });
  return delta === null ? null : TOTP.counter({ period: STEP_SECONDS, timestamp }) + delta;
}
