import { call, use } from './api.js';
import { find, valuesOf } from './dom.js';
import { answerOf, reasonOf } from './passkey.js';

/** What the account can prove itself with, told by the page. */
let kinds = [];
export const mayProveWith = (known) => (kinds = known);

const byPassword = ({ password, code }) =>
  call('POST', 'auth/reauthenticate', { password, ...(code && { code }) });

async function byPasskey() {
  const answer = await answerOf(await call('POST', 'auth/reauthenticate/passkey/options'));
  return call('POST', 'auth/reauthenticate/passkey', answer);
}

/** Asks until it is proven or given up; answers whether it was. */
function ask() {
  const dialog = find('prove');
  find('prove-form').reset();
  find('prove-status').textContent = '';
  find('prove-passkey').hidden = !kinds.includes('passkey');
  find('prove-code-field').hidden = kinds.length === 0;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'proven'), {
      once: true,
    }),
  );
}

async function attempt(prove) {
  try {
    use(await prove());
    find('prove').close('proven');
  } catch (error) {
    find('prove-status').textContent = reasonOf(error);
  }
}

/** As `call`, for what a session that signed in long ago may not do: asks who it is, and tries again. */
export async function callFresh(method, path, body) {
  try {
    return await call(method, path, body);
  } catch (error) {
    if (error.code !== 'insufficient_user_authentication' || !(await ask())) throw error;
    return call(method, path, body);
  }
}

find('prove-form').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(() => byPassword(valuesOf(event.currentTarget)));
});
find('prove-passkey').addEventListener('click', () => void attempt(byPasskey));
find('prove-cancel').addEventListener('click', () => find('prove').close());
