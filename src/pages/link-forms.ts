/** A page that the link of a mail leads to: it sends the link's token, and what is typed, to our API. */
interface LinkForm {
  title: string;
  /** What is asked for besides the token, or told. */
  body: string;
  button: string;
  done: string;
  /** The answer is a file, to be kept under this name. It is for whoever is signed in here. */
  file?: string;
}

interface Password {
  label: string;
  name: string;
  autocomplete: 'new-password' | 'current-password';
  maxlength: number;
  hint: string;
}

const passwordField = ({ label, hint, ...attributes }: Password): string => `
        <label for="password">${label}</label>
        <input id="password" type="password" required aria-describedby="hint"
          ${Object.entries(attributes)
            .map(([name, value]) => `${name}="${value}"`)
            .join(' ')} />
        <p id="hint">${hint}</p>`;

const newPassword = (label: string, name: string) =>
  passwordField({
    label,
    name,
    autocomplete: 'new-password',
    maxlength: 128,
    hint: '15 to 128 characters of any kind. Three or four words that nobody would expect are good.',
  });

/** Each is at /account/NAME and sends to /v1/auth/NAME. */
const FORMS: Record<string, LinkForm> = {
  'reset-password': {
    title: 'Set a new password',
    body: newPassword('New password', 'newPassword'),
    button: 'Set password',
    done: 'Your password is set. You were signed out everywhere; sign in with the new one.',
  },
  'undo-email-change': {
    title: 'Get your account back',
    body: newPassword('New password', 'newPassword'),
    button: 'Set password',
    done: 'You have your address and a new password. Everybody was signed out; sign in.',
  },
  'accept-invitation': {
    title: 'Choose a password',
    body: newPassword('Password', 'password'),
    button: 'Make the account',
    done: 'Your account is there. Sign in.',
  },
  'verify-address': {
    title: 'Confirm your address',
    body: passwordField({
      label: 'Password',
      name: 'password',
      autocomplete: 'current-password',
      maxlength: 512,
      hint: 'The one that you chose when you signed up. If you did not sign up, close this page: without the password nothing happens.',
    }),
    button: 'Confirm',
    done: 'Your address is confirmed and your account is there. Sign in.',
  },
  'confirm-email-change': {
    title: 'Confirm your new address',
    body: '<p>Your account will have the address that this mail came to.</p>',
    button: 'Change address',
    done: 'Your address was changed. You were signed out everywhere; sign in with the new address.',
  },
  'cancel-deletion': {
    title: 'Keep your account',
    body: `<p>Your account is about to be deleted, with all that it owns. You can still keep it, with a new password.</p>${newPassword('New password', 'newPassword')}`,
    button: 'Keep my account',
    done: 'Your account stays, and has a new password. Sign in.',
  },
  'download-export': {
    title: 'Your data',
    body: '<p>The copy that you asked for. You can download it once, signed in here as its owner.</p>',
    button: 'Download',
    done: 'Your copy is with your downloads.',
    file: 'export.json',
  },
};

/** Made of our own words only: nothing of a request is in them. */
export const LINK_PAGES = Object.entries(FORMS).map(
  ([name, { title, body, button, done, file = '' }]): [name: string, html: string] => [
    name,
    `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="stylesheet" href="/account/style.css" />
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      <form id="form" data-send-to="/v1/auth/${name}" data-done="${done}" data-file="${file}">${body}
        <button type="submit">${button}</button>
      </form>
      <p id="status" role="status"></p>
    </main>
    <script type="module" src="/account/form.js"></script>
  </body>
</html>
`,
  ],
);
