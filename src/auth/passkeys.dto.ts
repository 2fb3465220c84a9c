import { InPlace, type TokenPlace } from './auth.dto.js';
import { Base64Url, Integer, SecretText, Text, TextList, Uuid } from '../http/fields.js';

const ID = '7f1a2c9e-4b1d-4f6a-9a52-3c8d1e0b5f47';
const BYTES = 'pEUuK7zZcXoWfFfVb1xM2Z8qjJ0lqg0F3Gm0e4oQ8jY';
/** WebAuthn §5.8.1 and §6.5: some hundred bytes each; an RSA key or many origins make it more. */
const MAX_CLIENT_DATA = 4_096;
const MAX_ATTESTATION = 8_192;
const MAX_AUTHENTICATOR_DATA = 2_048;
const MAX_SIGNATURE = 2_048;
/** 1,023 bytes (WebAuthn §4, Credential ID), as base64url. */
const MAX_CREDENTIAL_ID = 1_364;
/** 64 bytes (WebAuthn §5.4.3). */
const MAX_USER_HANDLE = 86;

const CredentialId = () =>
  Base64Url({ max: MAX_CREDENTIAL_ID, example: BYTES, about: '`rawId` of the credential.' });
const ClientData = () =>
  Base64Url({ max: MAX_CLIENT_DATA, example: BYTES, about: '`response.clientDataJSON`.' });

/** What `navigator.credentials.get` needs; the browser asks the person which passkey to use. */
export class PasskeyOptionsResponse {
  @Text({ max: 64, example: BYTES, about: 'Good for one use.' })
  challenge!: string;

  @Text({ max: 253, example: 'example.com' })
  rpId!: string;

  @Integer({ min: 1, max: 300, example: 300, about: 'Seconds until the challenge expires.' })
  expiresIn!: number;
}

/** What `navigator.credentials.create` needs. */
export class PasskeyRegistrationOptionsResponse extends PasskeyOptionsResponse {
  @Text({ max: 64, example: 'fxosnksdT2qaUjyNHgtfRw', about: '`user.id`, as base64url.' })
  userHandle!: string;

  @Text({ max: 254, example: 'ada@example.com', about: '`user.name`.' })
  userName!: string;

  @TextList({ max: MAX_CREDENTIAL_ID, maxItems: 5, example: [BYTES], about: 'Those you have.' })
  excludeCredentialIds!: string[];
}

export class AddPasskeyRequest {
  @Text({ min: 1, max: 100, example: 'Laptop', about: 'So that you know it from your others.' })
  name!: string;

  @CredentialId()
  credentialId!: string;

  @ClientData()
  clientDataJson!: string;

  @Base64Url({ max: MAX_ATTESTATION, example: BYTES, about: '`response.attestationObject`.' })
  attestationObject!: string;
}

export class PasskeyAddedResponse {
  @Uuid({ example: ID })
  id!: string;

  @TextList({
    max: 19,
    maxItems: 10,
    example: ['7K2M-Q9XD-4TBN-C8HV'],
    about: 'With the first factor: to keep on paper, each good for one use. Empty otherwise.',
  })
  recoveryCodes!: string[];
}

/** What a passkey answered to a challenge. */
export class PasskeyAnswer {
  @CredentialId()
  credentialId!: string;

  @ClientData()
  clientDataJson!: string;

  @Base64Url({
    max: MAX_AUTHENTICATOR_DATA,
    example: BYTES,
    about: '`response.authenticatorData`.',
  })
  authenticatorData!: string;

  @Base64Url({ max: MAX_SIGNATURE, example: BYTES, about: '`response.signature`.' })
  signature!: string;

  @Base64Url({
    max: MAX_USER_HANDLE,
    example: 'fxosnksdT2qaUjyNHgtfRw',
    optional: true,
    about: '`response.userHandle`: needed where nobody has said yet who signs in.',
  })
  userHandle?: string;
}

export class PasskeySignInRequest extends PasskeyAnswer {
  @InPlace()
  refreshTokenIn?: TokenPlace;
}

export class PasskeyFactorRequest extends PasskeySignInRequest {
  @SecretText({
    max: 128,
    example: BYTES,
    about: '`challenge.token` of the answer `second_factor_required`; the passkey signs it.',
  })
  challenge!: string;
}
