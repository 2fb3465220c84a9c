/** One line is one paragraph. `{link}` alone on its line becomes a link; every value is escaped. */
export const TEMPLATES = {
  verifyAddress: {
    subject: 'Confirm your e-mail address',
    lines: [
      'You signed up with this address. Open this link to confirm that it is yours:',
      '{link}',
      'If it was not you, ignore this mail: nothing happens without the link.',
    ],
  },
  addressTaken: {
    subject: 'You have an account already',
    lines: [
      'Somebody tried to sign up with your address, perhaps you. You have an account already.',
      'If you do not remember your password, open this link to set a new one:',
      '{link}',
      'If it was not you, ignore this mail: your account is as it was.',
    ],
  },
  resetPassword: {
    subject: 'Set a new password',
    lines: [
      'Somebody asked to set a new password for your account. Open this link to do it:',
      '{link}',
      'If it was not you, ignore this mail: your password stays as it is.',
    ],
  },
  confirmEmail: {
    subject: 'Confirm your new e-mail address',
    lines: [
      'Somebody with an account asked to use this address for it. Open this link to confirm the change:',
      '{link}',
      'If it was not you, ignore this mail: nothing happens without the link.',
    ],
  },
  emailChanged: {
    subject: 'Your e-mail address was changed',
    lines: [
      'The e-mail address of your account was changed: mails go to the new one, and you were signed out.',
      'If it was not you, open this link within seven days. It gives you back the account, with a new password:',
      '{link}',
    ],
  },
  invitation: {
    subject: 'You are invited',
    lines: [
      'An administrator invites you to have an account. Open this link within seven days to choose a password:',
      '{link}',
      'If you do not want one, ignore this mail: nothing happens without the link.',
    ],
  },
  passwordChanged: {
    subject: 'Your password was changed',
    lines: [
      'The password of your account was changed, and you were signed out everywhere else.',
      'If it was not you, set a new password at once: somebody has access to your account.',
    ],
  },
  accountLeaving: {
    subject: 'Your account will be deleted',
    lines: [
      'Your account and all that it owns will be deleted, as was asked for with its password. You were signed out.',
      'When: {time}',
      'If you want to keep it, or if it was not you, open this link before then. It keeps the account, with a new password:',
      '{link}',
    ],
  },
  accountKept: {
    subject: 'Your account stays',
    lines: [
      'Your account will not be deleted: the link in our last mail was used to keep it, with a new password.',
      'If it was not you, set a new password at once: somebody reads your mails.',
    ],
  },
  exportReady: {
    subject: 'Your data is ready',
    lines: [
      'A copy of the data of your account was asked for, with its password. For a day you can download it here, once and signed in:',
      '{link}',
      'If it was not you, set a new password at once: somebody knows yours.',
    ],
  },
  newDevice: {
    subject: 'A sign-in from a new place',
    lines: [
      'Somebody signed in to your account from a network that it did not know.',
      'When: {time}',
      'Where from: {place}',
      'With: {device}',
      'If it was you, there is nothing to do.',
      'If it was not you, set a new password at once: that signs everybody out.',
    ],
  },
  factorAdded: {
    subject: 'A second factor was added to your account',
    lines: [
      'A second factor was added to your account, and you were signed out everywhere else.',
      'If it was not you, remove it and set a new password at once: somebody has access to your account.',
    ],
  },
  factorRemoved: {
    subject: 'A second factor was removed from your account',
    lines: [
      'A second factor was removed from your account, and you were signed out everywhere else.',
      'If it was not you, set a new password at once: somebody has access to your account.',
    ],
  },
  passkeyCloned: {
    subject: 'A passkey of your account was refused',
    lines: [
      'One of your passkeys was used, and its count had not grown: there may be a copy of it. It was refused.',
      'Remove that passkey from your account and add a new one. If it was not you, do it at once.',
    ],
  },
  recoveryCodeUsed: {
    subject: 'A recovery code of your account was used',
    lines: [
      'One of your recovery codes was used in place of a second factor. It cannot be used again.',
      'If it was not you, set a new password and make new recovery codes at once.',
    ],
  },
} as const;

export type TemplateName = keyof typeof TEMPLATES;

type NamesIn<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;
type ValuesOf<Name extends TemplateName> = Record<
  NamesIn<(typeof TEMPLATES)[Name]['lines'][number]>,
  string
>;

/** What to send to whom. A value that the text needs and the caller forgot does not compile. */
export type Mail = {
  [Name in TemplateName]: { to: string; template: Name; values: ValuesOf<Name> };
}[TemplateName];
