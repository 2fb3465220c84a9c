import { Choice, Email, Integer, SecretText, Text } from '../http/fields.js';
import { Code } from './factors.dto.js';

const PASSWORD_EXAMPLE = 'correct horse battery staple';
/** Above the policy's own limit, so that a long password is told what is wrong with it. */
const MAX_PASSWORD_INPUT = 512;
const MAX_TOKEN_INPUT = 128;
const TOKEN_PLACES = ['body', 'cookie'] as const;
export type TokenPlace = (typeof TOKEN_PLACES)[number];

const password = (about?: string) =>
  SecretText({ max: MAX_PASSWORD_INPUT, example: PASSWORD_EXAMPLE, ...(about && { about }) });

const linkToken = () =>
  SecretText({
    max: MAX_TOKEN_INPUT,
    example: 'pEUuK7zZcXoWfFfVb1xM2Z8qjJ0lqg0F3Gm0e4oQ8jY',
    about: 'What stands behind the "#" of the link in the mail.',
  });

export const InPlace = () =>
  Choice({
    of: TOKEN_PLACES,
    example: 'body',
    optional: true,
    about:
      'Where the refresh token goes: `body` unless told, or `cookie` for a page of this origin, ' +
      'whose scripts then never see it. A session keeps to the one.',
  });

export class RegisterRequest {
  @Email({ example: 'ada@example.com' })
  email!: string;

  @password('15 to 128 characters of any kind, not a common password.')
  password!: string;

  @Text({ max: 100, example: 'Ada Lovelace', optional: true })
  displayName?: string;
}

export class VerifyAddressRequest {
  @linkToken()
  token!: string;

  @password('The password of this very sign-up: the link alone makes no account.')
  password!: string;
}

export class LoginRequest {
  @Email({ example: 'ada@example.com' })
  email!: string;

  @password()
  password!: string;

  @InPlace()
  refreshTokenIn?: TokenPlace;
}

export class SecondFactorRequest {
  @SecretText({
    max: MAX_TOKEN_INPUT,
    example: 'pEUuK7zZcXoWfFfVb1xM2Z8qjJ0lqg0F3Gm0e4oQ8jY',
    about: '`challenge.token` of the answer `second_factor_required`.',
  })
  challenge!: string;

  @Code({ about: 'What the authenticator app shows, or a recovery code.' })
  code!: string;

  @InPlace()
  refreshTokenIn?: TokenPlace;
}

export class RefreshRequest {
  @SecretText({
    max: MAX_TOKEN_INPUT,
    example: 'pEUuK7zZcXoWfFfVb1xM2Z8qjJ0lqg0F3Gm0e4oQ8jY',
    optional: true,
    about: 'Left out by a browser that keeps it in the cookie.',
  })
  refreshToken?: string;
}

export class ForgotPasswordRequest {
  @Email({ example: 'ada@example.com' })
  email!: string;
}

export class ResetPasswordRequest {
  @linkToken()
  token!: string;

  @password('15 to 128 characters (8 with a second factor), not a common password.')
  newPassword!: string;
}

export class ChangePasswordRequest {
  @password()
  currentPassword!: string;

  @password('15 to 128 characters (8 with a second factor), not a common password.')
  newPassword!: string;
}

export class ChangeEmailRequest {
  @Email({ example: 'ada.lovelace@example.com' })
  newEmail!: string;

  @password('A stolen access token alone must not be able to move an account.')
  currentPassword!: string;
}

export class ConfirmEmailChangeRequest {
  @linkToken()
  token!: string;
}

/** What somebody with the password has done to an account, its owner takes back. */
export class TakeBackRequest {
  @linkToken()
  token!: string;

  @password('15 to 128 characters, not a common password.')
  newPassword!: string;
}

export class InviteRequest {
  @Email({ example: 'grace@example.com' })
  email!: string;
}

export class AcceptInvitationRequest {
  @linkToken()
  token!: string;

  @password('15 to 128 characters of any kind, not a common password.')
  password!: string;

  @Text({ max: 100, example: 'Grace Hopper', optional: true })
  displayName?: string;
}

export class DeleteAccountRequest {
  @password('A stolen access token alone must not be able to delete an account.')
  currentPassword!: string;
}

export class ReauthenticateRequest {
  @password()
  password!: string;

  @Code({ optional: true, about: 'Where your account has a second factor; as at sign-in.' })
  code?: string;
}

/** RFC 6749 §5.1, in this API's spelling. */
export class AccessTokenResponse {
  @Text({ max: 4_096, example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIs...' })
  accessToken!: string;

  @Text({ max: 10, example: 'Bearer' })
  tokenType!: string;

  @Integer({ min: 1, max: 600, example: 600, about: 'Seconds until the access token expires.' })
  expiresIn!: number;
}

export class TokensResponse extends AccessTokenResponse {
  @SecretText({
    max: MAX_TOKEN_INPUT,
    example: 'pEUuK7zZcXoWfFfVb1xM2Z8qjJ0lqg0F3Gm0e4oQ8jY',
    optional: true,
    about:
      'Good for one use. If a used one returns, the whole session ends. Not here when it is in the cookie.',
  })
  refreshToken?: string;
}
