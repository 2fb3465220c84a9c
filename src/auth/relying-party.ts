import { Injectable } from '@nestjs/common';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import {
  COSEALG,
  decodeAttestationObject,
  decodeClientDataJSON,
} from '@simplewebauthn/server/helpers';
import { Config } from '../config/config.js';
import { Problem } from '../http/problem.js';
import type { AddPasskeyRequest, PasskeyAnswer } from './passkeys.dto.js';

/** What every authenticator can do, and what nobody has broken. */
const ALGORITHMS = [COSEALG.ES256, COSEALG.EdDSA, COSEALG.RS256];
/** Whoever only holds the device is not its owner: PIN, finger or face make it two factors. */
const VERIFIED = { requireUserVerification: true };

export interface NewPasskey {
  credentialId: Buffer;
  publicKey: Buffer;
  signCount: number;
}

/** The checks of WebAuthn §7.1 and §7.2. Every method throws `invalid_passkey`. */
@Injectable()
export class RelyingParty {
  /** From the configuration: by what the request says, it would be the attacker's (§13.4.9). */
  readonly id: string;
  private readonly expected: { expectedOrigin: string; expectedRPID: string };

  constructor({ publicUrl }: Config) {
    this.id = new URL(publicUrl).hostname;
    this.expected = { expectedOrigin: publicUrl, expectedRPID: this.id };
  }

  /** Which challenge is said to be answered; nothing of it is checked yet. */
  challengeOf({ clientDataJson }: Pick<PasskeyAnswer, 'clientDataJson'>): Promise<string> {
    return orInvalid(() => {
      const { challenge } = decodeClientDataJSON(clientDataJson) as { challenge: unknown };
      if (typeof challenge !== 'string') throw new TypeError('no challenge');
      return Promise.resolve(challenge);
    });
  }

  verifyNew(answer: AddPasskeyRequest, challenge: string): Promise<NewPasskey> {
    return orInvalid(async () => {
      mustBePlain(answer.attestationObject);
      const { clientDataJson, attestationObject } = answer;
      const { registrationInfo } = await verifyRegistrationResponse({
        response: asJson(answer.credentialId, {
          clientDataJSON: clientDataJson,
          attestationObject,
        }),
        expectedChallenge: challenge,
        supportedAlgorithmIDs: ALGORITHMS,
        ...this.expected,
        ...VERIFIED,
      });
      const { credential } = registrationInfo ?? refuse('not verified');
      if (credential.id !== answer.credentialId) refuse('another credential');
      const { publicKey, counter } = credential;
      return {
        credentialId: bytesOf(credential.id),
        publicKey: Buffer.from(publicKey),
        signCount: counter,
      };
    });
  }

  /** Answers what the authenticator counted: whoever calls compares it, where no other can come between. */
  verify(
    { credentialId, clientDataJson, authenticatorData, signature }: PasskeyAnswer,
    challenge: string,
    publicKey: Uint8Array,
  ): Promise<number> {
    return orInvalid(async () => {
      const response = { clientDataJSON: clientDataJson, authenticatorData, signature };
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: asJson(credentialId, response),
        expectedChallenge: challenge,
        credential: { id: credentialId, publicKey: new Uint8Array(publicKey), counter: 0 },
        ...this.expected,
        ...VERIFIED,
      });
      return verified ? authenticationInfo.newCounter : refuse('wrong signature');
    });
  }
}

export const bytesOf = (base64url: string) => Buffer.from(base64url, 'base64url');

const asJson = <Response>(id: string, response: Response) => ({
  id,
  rawId: id,
  type: 'public-key' as const,
  clientExtensionResults: {},
  response,
});

/**
 * We ask for no attestation, so nobody needs to send certificates: reading a stranger's ASN.1 is work
 * and risk for nothing. Some authenticators sign their own ("packed" without a certificate).
 */
function mustBePlain(attestationObject: string): void {
  const decoded = decodeAttestationObject(new Uint8Array(bytesOf(attestationObject)));
  const isOwn = decoded.get('fmt') === 'packed' && !decoded.get('attStmt').get('x5c');
  if (decoded.get('fmt') !== 'none' && !isOwn) refuse('attestation with certificates');
}

function refuse(reason: string): never {
  throw new Error(reason);
}

/** Whatever the library finds wrong: the reason is for the log, the answer is the same. */
async function orInvalid<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    throw new Problem('invalid_passkey', { cause });
  }
}
