export const PARTY = 'src/auth/relying-party.ts';
export const CHALLENGES = 'src/auth/passkey-challenges.service.ts';
export const PASSKEYS = 'src/auth/passkeys.service.ts';

export const RULES = `...this.expected,
        ...VERIFIED,
      });
      return verified`;
export const SPENT = `const [spent] = await this.dataSource.sql<[unknown[], number]>\`
      DELETE FROM passkey_challenges`;
export const GROWS = 'AND (sign_count < ${signCount} OR (sign_count = 0 AND ${signCount} = 0))';
export const ASKED =
  'const isAsked = owner === undefined ? userHandle !== undefined : owner === userId;';

/** Any origin that this condition holds for. */
export const originIf = (condition: string) => `...this.expected,
        ...VERIFIED,
        expectedOrigin: ((origin: string) => (${condition} ? origin : this.expected.expectedOrigin))(
          decodeClientDataJSON(clientDataJson).origin,
        ),
      });
      return verified`;
