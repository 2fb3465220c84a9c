import { call, use } from './api.js';
import { find, onClick, onSubmit } from './dom.js';
import { answerOf, reasonOf } from './passkey.js';

/** The refresh token goes where no script reads it. */
const IN_COOKIE = { refreshTokenIn: 'cookie' };
let challenge = '';

/** There and nowhere else: a page that was named in the address would be somebody's trap. */
function done(tokens) {
  use(tokens);
  location.assign('/account/security');
}

function askForSecond({ token, factors }) {
  challenge = token;
  find('first').hidden = true;
  find('second').hidden = false;
  find('second-passkey').hidden = !factors.includes('passkey');
  find('code').focus();
}

async function signIn(values) {
  try {
    done(await call('POST', 'auth/login', { ...values, ...IN_COOKIE }));
  } catch (error) {
    if (error.code !== 'second_factor_required') throw error;
    askForSecond(error.challenge);
  }
}

const signInWithCode = async ({ code }) =>
  done(await call('POST', 'auth/second-factor', { challenge, code, ...IN_COOKIE }));

async function signInWithPasskey() {
  const answer = await answerOf(await call('POST', 'auth/passkey/options'));
  done(await call('POST', 'auth/passkey', { ...answer, ...IN_COOKIE }));
}

async function answerWithPasskey() {
  const answer = await answerOf({ challenge });
  done(await call('POST', 'auth/second-factor/passkey', { challenge, ...answer, ...IN_COOKIE }));
}

onSubmit(find('password-form'), signIn, reasonOf);
onSubmit(find('code-form'), signInWithCode, reasonOf);
onClick(find('passkey'), signInWithPasskey, reasonOf);
onClick(find('second-passkey'), answerWithPasskey, reasonOf);
