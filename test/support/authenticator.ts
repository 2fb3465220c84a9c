import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** WebAuthn §6.1: what the authenticator says about the user, and what follows. */
const PRESENT = 0x01;
const VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

/** What a browser and its authenticator are asked, and by whom. */
export interface Ceremony {
  challenge: string;
  rpId: string;
  origin?: string;
  /** What the authenticator says that it has counted; the next number otherwise. */
  signCount?: number;
  /** Held by somebody who does not know the PIN. */
  unverified?: boolean;
  type?: string;
}

export interface PasskeyAnswerBody {
  credentialId: string;
  clientDataJson: string;
  authenticatorData: string;
  signature: string;
  userHandle?: string;
}

/** A browser with an authenticator in it: what a person signs in with (WebAuthn §6). */
export class Authenticator {
  readonly credentialId = randomBytes(32);
  signCount = 0;
  userHandle = text(randomBytes(16));
  private readonly privateKey: KeyObject;
  private readonly coseKey: Buffer;

  constructor(readonly origin = 'http://localhost:3000') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.privateKey = privateKey;
    // RFC 9053 §7.1.1: key type EC2, ES256, P-256.
    const key: [number, Cbor][] = [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, bytes(x)],
      [-3, bytes(y)],
    ];
    this.coseKey = cbor(new Map<Cbor, Cbor>(key));
  }

  create(asked: Ceremony & { userHandle: string }, fmt = 'none', attStmt = new Map<Cbor, Cbor>()) {
    this.userHandle = asked.userHandle;
    const idLength = Buffer.alloc(2);
    idLength.writeUInt16BE(this.credentialId.length);
    const credential = [Buffer.alloc(16), idLength, this.credentialId, this.coseKey];
    const authData = Buffer.concat([this.data(asked, HAS_CREDENTIAL), ...credential]);
    const attestation = new Map<Cbor, Cbor>([
      ['fmt', fmt],
      ['attStmt', attStmt],
      ['authData', authData],
    ]);
    return {
      credentialId: text(this.credentialId),
      clientDataJson: text(this.clientData(asked, 'webauthn.create')),
      attestationObject: text(cbor(attestation)),
    };
  }

  get(asked: Ceremony): PasskeyAnswerBody {
    const clientData = this.clientData(asked, 'webauthn.get');
    const data = this.data(asked);
    const signed = Buffer.concat([data, sha256(clientData)]);
    return {
      credentialId: text(this.credentialId),
      clientDataJson: text(clientData),
      authenticatorData: text(data),
      signature: text(sign('sha256', signed, this.privateKey)),
      userHandle: this.userHandle,
    };
  }

  private clientData({ challenge, origin, type }: Ceremony, usual: string): Buffer {
    const data = { type: type ?? usual, challenge, origin: origin ?? this.origin };
    return Buffer.from(JSON.stringify({ ...data, crossOrigin: false }));
  }

  private data({ rpId, signCount, unverified }: Ceremony, flags = 0): Buffer {
    this.signCount = signCount ?? this.signCount + 1;
    const tail = Buffer.alloc(5);
    tail.writeUInt8(flags | PRESENT | (unverified ? 0 : VERIFIED));
    tail.writeUInt32BE(this.signCount, 1);
    return Buffer.concat([sha256(rpId), tail]);
  }
}

export type Cbor = number | string | Buffer | Cbor[] | Map<Cbor, Cbor>;

/** RFC 8949, as far as an authenticator needs it. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, value.length), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  const pairs = [...value].flatMap(([key, item]) => [cbor(key), cbor(item)]);
  return Buffer.concat([head(5, value.size), ...pairs]);
}

function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.of((major << 5) | length);
  if (length < 256) return Buffer.of((major << 5) | 24, length);
  return Buffer.of((major << 5) | 25, length >> 8, length & 0xff);
}

const bytes = (base64url: string) => Buffer.from(base64url, 'base64url');
const text = (data: Buffer) => data.toString('base64url');
const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();
