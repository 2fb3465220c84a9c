import { Injectable } from '@nestjs/common';
import { errors, jwtVerify, SignJWT, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { randomUUID } from 'node:crypto';
import { ROLES, type Actor, type Role } from '../access/actor.js';
import { ACCESS_TOKEN_SECONDS } from '../access/revocation-feed.js';
import { Config } from '../config/config.js';
import type { SigningKey } from '../config/secrets.js';
import { BoundedMap } from '../http/bounded-map.js';
import { SigningKeys } from './signing-keys.js';

const ALGORITHM = 'ES256';
/** RFC 9068: a token of another kind, signed with the same key, is not an access token. */
const TYPE = 'at+jwt';
const MAX_CACHED = 10_000;
const MAX_TOKEN_LENGTH = 2_048;
/** The clocks of two instances differ a little; a token must not come from the future for that. */
const CLOCK_SKEW_SECONDS = 5;
/** RFC 8176 §2: how the session proved who it is. */
const PASSWORD = 'pwd';
const PASSKEY = 'pop';
const MULTIPLE_FACTORS = 'mfa';

interface Verified {
  actor: Actor;
  key: SigningKey;
  expiresAtMs: number;
}

/** Makes and checks access tokens: RFC 9068, checked as RFC 8725 says. */
@Injectable()
export class AccessTokens {
  /** The signature is checked once a token; its key's retirement and its expiry at every use. */
  private readonly verified = new BoundedMap<string, Verified>(MAX_CACHED);
  readonly audience: string;
  private readonly rules: JWTVerifyOptions;

  constructor(
    private readonly config: Config,
    private readonly keys: SigningKeys,
  ) {
    this.audience = `${config.publicUrl}/v1`;
    this.rules = {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: config.publicUrl,
      audience: this.audience,
      requiredClaims: ['sub', 'sid', 'jti', 'iat', 'exp', 'role', 'auth_time', 'amr'],
      maxTokenAge: ACCESS_TOKEN_SECONDS,
      clockTolerance: CLOCK_SKEW_SECONDS,
    };
  }

  /** The session may end before the token would: it never outlives it. */
  async issue(actor: Actor, sessionEndsAt: Date): Promise<{ token: string; expiresIn: number }> {
    const { kid, privateKey } = this.keys.current;
    const now = Math.floor(Date.now() / 1_000);
    const end = Math.min(now + ACCESS_TOKEN_SECONDS, Math.floor(sessionEndsAt.getTime() / 1_000));
    const token = await new SignJWT({
      sid: actor.sessionId,
      role: actor.role,
      // Of the session, not of this token: a refresh does not freshen it (RFC 9470 §6).
      auth_time: Math.min(actor.authenticatedAt, now),
      amr: [actor.byPasskey ? PASSKEY : PASSWORD, ...(actor.twoFactor ? [MULTIPLE_FACTORS] : [])],
    })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
      .setIssuer(this.config.publicUrl)
      .setAudience(this.audience)
      .setSubject(actor.userId)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(end)
      .sign(privateKey);
    return { token, expiresIn: end - now };
  }

  /** Throws when anything about the token is not as `issue` made it. */
  async verify(token: string): Promise<Actor> {
    const known = this.verified.get(token);
    // The same key, not only its name: a rotation may give an old `kid` to a new key.
    const isCurrent = known && this.keys.find(known.key.kid) === known.key;
    const { actor, expiresAtMs } = isCurrent ? known : await this.check(token);
    if (expiresAtMs <= Date.now()) throw new errors.JWTInvalid('expired');
    return actor;
  }

  private async check(token: string): Promise<Verified> {
    if (token.length > MAX_TOKEN_LENGTH) throw new errors.JWTInvalid('too long');
    const { payload, protectedHeader } = await jwtVerify(
      token,
      ({ kid }) => this.keyFor(kid).publicKey,
      this.rules,
    );
    const { sub, sid, role, iat, exp } = payload;
    if (!isText(sub) || !isText(sid) || !ROLES.includes(role as Role) || !iat || !exp)
      throw new errors.JWTInvalid('a claim has the wrong type');
    // Revocations are remembered for as long as our own tokens live, and no longer.
    if (exp - iat > ACCESS_TOKEN_SECONDS) throw new errors.JWTInvalid('lives too long');
    const proof = proofOf(payload, iat);
    const actor: Actor = Object.freeze({
      userId: sub,
      sessionId: sid,
      role: role as Role,
      ...proof,
    });
    const verified = { actor, key: this.keyFor(protectedHeader.kid), expiresAtMs: exp * 1_000 };
    this.verified.set(token, verified);
    return verified;
  }

  private keyFor(kid: string | undefined): SigningKey {
    const key = this.keys.find(kid);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key;
  }
}

/** When and how the session proved who it is, as `issue` wrote it. */
function proofOf({ auth_time: authenticatedAt, amr }: JWTPayload, issuedAt: number) {
  const isTime = typeof authenticatedAt === 'number' && Number.isSafeInteger(authenticatedAt);
  // Proven after it was issued, a token would stay fresh for as long as somebody likes.
  const [first, second] = Array.isArray(amr) ? (amr as unknown[]) : [];
  const byPasskey = first === PASSKEY;
  if (!isTime || authenticatedAt > issuedAt || !(byPasskey || first === PASSWORD))
    throw new errors.JWTInvalid('a claim has the wrong type');
  return { authenticatedAt, twoFactor: second === MULTIPLE_FACTORS, byPasskey };
}

const isText = (claim: unknown): claim is string => typeof claim === 'string';
