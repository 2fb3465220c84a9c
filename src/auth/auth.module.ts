import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailModule } from '../mail/mail.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccessTokens } from './access-tokens.js';
import { AccountController } from './account.controller.js';
import { AccountService } from './account.service.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { BreachedPasswordsService } from './breached-passwords.service.js';
import { DepartureUndoService } from './departure-undo.service.js';
import { DeparturesController } from './departures.controller.js';
import { DeparturesService } from './departures.service.js';
import { EmailChangesController } from './email-changes.controller.js';
import { EmailChangesService } from './email-changes.service.js';
import { EmailUndoService } from './email-undo.service.js';
import { EmailLinksService } from './email-links.service.js';
import { AcceptInvitationService } from './accept-invitation.service.js';
import { InvitationsController } from './invitations.controller.js';
import { InvitationsService } from './invitations.service.js';
import { ChallengesService } from './challenges.service.js';
import { FactorCodesService } from './factor-codes.service.js';
import { FactorsController } from './factors.controller.js';
import { FactorsService } from './factors.service.js';
import { JwksController } from './jwks.controller.js';
import { JwtStrategy } from './jwt.strategy.js';
import { MailLinksService } from './mail-links.service.js';
import { LeakedTokensService } from './leaked-tokens.service.js';
import { LoginFailure } from './login-failure.entity.js';
import { LoginFailuresService } from './login-failures.service.js';
import { LoginThrottle } from './login-throttle.js';
import { PasskeyChallengesService } from './passkey-challenges.service.js';
import { PasskeyProofsController } from './passkey-proofs.controller.js';
import { PasskeyFactorService } from './passkey-factor.service.js';
import { PasskeyRegistrationsService } from './passkey-registrations.service.js';
import { PasskeySignInService } from './passkey-sign-in.service.js';
import { PasskeyStepUpService } from './passkey-step-up.service.js';
import { PasskeysController } from './passkeys.controller.js';
import { PasskeysService } from './passkeys.service.js';
import { PasswordHasher } from './password-hasher.js';
import { ProofController } from './proof.controller.js';
import { RecoveryCodesService } from './recovery-codes.service.js';
import { RecoveryController } from './recovery.controller.js';
import { RecoveryRequestsService } from './recovery-requests.service.js';
import { RecoveryService } from './recovery.service.js';
import { RefreshService } from './refresh.service.js';
import { RelyingParty } from './relying-party.js';
import { SecondFactorService } from './second-factor.service.js';
import { RefreshToken, Session } from './session.entity.js';
import { SessionEndsService } from './session-ends.service.js';
import { SessionListsService } from './session-lists.service.js';
import { SessionsAdministrationController } from './sessions-administration.controller.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';
import { SignInsService } from './sign-ins.service.js';
import { SignUpRequestsService } from './sign-up-requests.service.js';
import { SignUpsController } from './sign-ups.controller.js';
import { SignUpsService } from './sign-ups.service.js';
import { SigningKeys } from './signing-keys.js';
import { StepUpService } from './step-up.service.js';
import { TokensService } from './tokens.service.js';
import { TotpSecretsService } from './totp-secrets.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Session, RefreshToken, LoginFailure]),
    UsersModule,
    MailModule,
  ],
  controllers: [
    AuthController,
    SignUpsController,
    ProofController,
    PasskeyProofsController,
    AccountController,
    FactorsController,
    DeparturesController,
    SessionsController,
    SessionsAdministrationController,
    PasskeysController,
    RecoveryController,
    EmailChangesController,
    InvitationsController,
    JwksController,
  ],
  providers: [
    AuthService,
    AccountService,
    DeparturesService,
    DepartureUndoService,
    SignUpRequestsService,
    SignUpsService,
    RecoveryRequestsService,
    RecoveryService,
    MailLinksService,
    EmailLinksService,
    InvitationsService,
    AcceptInvitationService,
    EmailChangesService,
    EmailUndoService,
    RefreshService,
    TokensService,
    SessionsService,
    SignInsService,
    SessionListsService,
    SessionEndsService,
    ChallengesService,
    SecondFactorService,
    StepUpService,
    FactorsService,
    FactorCodesService,
    TotpSecretsService,
    RecoveryCodesService,
    PasskeysService,
    PasskeyChallengesService,
    PasskeyRegistrationsService,
    PasskeySignInService,
    PasskeyFactorService,
    PasskeyStepUpService,
    RelyingParty,
    AccessTokens,
    SigningKeys,
    JwtStrategy,
    LeakedTokensService,
    PasswordHasher,
    BreachedPasswordsService,
    LoginFailuresService,
    LoginThrottle,
  ],
  exports: [JwtStrategy, AccountService, MailLinksService],
})
export class AuthModule {}
