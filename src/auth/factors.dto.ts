import {
  Choice,
  Integer,
  ListOf,
  Moment,
  SecretText,
  Text,
  TextList,
  Uuid,
} from '../http/fields.js';

const ID = '7f1a2c9e-4b1d-4f6a-9a52-3c8d1e0b5f47';
const MAX_CODE_INPUT = 64;
const CODE_EXAMPLE = '492039';
const RECOVERY_CODE = '7K2M-Q9XD-4TBN-C8HV';

export const Code = (options: { about: string; optional?: boolean }) =>
  SecretText({ max: MAX_CODE_INPUT, example: CODE_EXAMPLE, ...options });

const RecoveryCodes = (about: string) =>
  TextList({ max: 19, maxItems: 10, example: [RECOVERY_CODE], about });

export class FactorParams {
  @Uuid({ example: ID })
  factorId!: string;
}

export class EnrolTotpRequest {
  @Text({ min: 1, max: 100, example: 'Phone', about: 'So that you know it from your others.' })
  name!: string;
}

/** The secret is shown here and never again. */
export class EnrolmentResponse {
  @Uuid({ example: ID })
  id!: string;

  @Text({ max: 100, example: 'Phone' })
  name!: string;

  @Text({ max: 64, example: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', about: 'Base 32, to type.' })
  secret!: string;

  @Text({ max: 1_024, example: 'otpauth://totp/Bulwark:ada%40example.com?secret=JBSWY3DP...' })
  uri!: string;

  @Text({ max: 100_000, example: '<svg ...>', about: 'The URI as a QR code, in SVG.' })
  qrCode!: string;
}

export class ConfirmFactorRequest {
  @Code({ about: 'What the authenticator app shows.' })
  code!: string;
}

export class RecoveryCodesResponse {
  @RecoveryCodes(
    'To keep on paper; each is good for one use. Empty: those that you have stay good.',
  )
  recoveryCodes!: string[];
}

export class FactorResponse {
  @Uuid({ example: ID })
  id!: string;

  @Choice({ of: ['totp', 'passkey'], example: 'totp' })
  kind!: string;

  @Text({ max: 100, example: 'Phone' })
  name!: string;

  @Moment({ example: '2026-11-23T09:30:00.000Z' })
  confirmedAt!: Date;
}

export class FactorsResponse {
  @ListOf(() => FactorResponse, { maxItems: 5 })
  items!: FactorResponse[];

  @Integer({ min: 0, max: 10, example: 10 })
  recoveryCodesLeft!: number;
}
