import { call, refresh } from './api.js';
import { element, find, onClick, onSubmit, say } from './dom.js';
import { createPasskey, reasonOf } from './passkey.js';
import { callFresh, mayProveWith } from './prove.js';

const MINE = 'users/me';
const KINDS = { passkey: 'Passkey', totp: 'Authenticator app' };
const dayOf = (time) => new Date(time).toLocaleDateString(undefined, { dateStyle: 'medium' });
let enrolling = '';

function action(label, work) {
  const button = element('button', { type: 'button', className: 'small', textContent: label });
  onClick(button, work, reasonOf);
  return button;
}

const line = (title, about, ...actions) =>
  element(
    'li',
    {},
    element(
      'div',
      {},
      element('strong', { textContent: title }),
      element('span', { className: 'quiet', textContent: about }),
    ),
    ...actions,
  );

async function showFactors() {
  const { items, recoveryCodesLeft } = await call('GET', `${MINE}/factors`);
  mayProveWith(items.map(({ kind }) => kind));
  const lines = items.map(({ id, kind, name, confirmedAt }) =>
    line(
      name,
      `${KINDS[kind]}, since ${dayOf(confirmedAt)}`,
      action('Remove', () => removeFactor(id)),
    ),
  );
  const none = line('None yet', 'A password alone can be stolen; a passkey cannot.');
  find('factors').replaceChildren(...(lines.length > 0 ? lines : [none]));
  find('new-codes').hidden = items.length === 0;
  find('codes-left').textContent =
    items.length === 0
      ? 'You get them with your first passkey or authenticator app.'
      : `${recoveryCodesLeft} left. Each stands in for your passkey or app once.`;
}

async function showSessions() {
  const { items } = await call('GET', `${MINE}/sessions?limit=100`);
  const lines = items.map(({ id, device, network, createdAt, current }) =>
    line(
      device,
      `${network ?? 'unknown network'}, since ${dayOf(createdAt)}`,
      current
        ? element('span', { className: 'badge', textContent: 'this one' })
        : action('End', () => endSession(id)),
    ),
  );
  find('sessions').replaceChildren(...lines);
}

const show = () => Promise.all([showFactors(), showSessions()]);

function showCodes(codes) {
  find('codes').hidden = codes.length === 0;
  find('codes').replaceChildren(...codes.map((code) => element('li', { textContent: code })));
  if (codes.length > 0) say('Keep these recovery codes on paper: they are not shown again.');
}

async function endSession(id) {
  await call('DELETE', `${MINE}/sessions/${id}`);
  await showSessions();
  say('The session has ended.');
}

async function removeFactor(id) {
  await callFresh('DELETE', `${MINE}/factors/${id}`);
  showCodes([]);
  await show();
  say('It is removed. You were signed out everywhere else.');
}

async function added({ recoveryCodes }) {
  find('add-factor').reset();
  await show();
  say('It is added. You were signed out everywhere else.');
  showCodes(recoveryCodes);
}

async function addPasskey({ name }) {
  const made = await createPasskey(await callFresh('POST', `${MINE}/factors/passkeys/options`));
  await added(await callFresh('POST', `${MINE}/factors/passkeys`, { name, ...made }));
}

async function beginTotp({ name }) {
  const { id, secret, qrCode } = await callFresh('POST', `${MINE}/factors/totp`, { name });
  enrolling = id;
  find('secret').textContent = secret.replace(/(.{4})(?=.)/g, '$1 ');
  // As a picture: what is in it cannot run.
  find('qr').src = `data:image/svg+xml,${encodeURIComponent(qrCode)}`;
  find('confirm-totp').hidden = false;
  find('totp-code').focus();
}

async function confirmTotp({ code }) {
  const answer = await callFresh('POST', `${MINE}/factors/${enrolling}/confirm`, { code });
  find('confirm-totp').reset();
  find('confirm-totp').hidden = true;
  await added(answer);
}

async function newCodes() {
  const { recoveryCodes } = await callFresh('POST', `${MINE}/recovery-codes`);
  await showFactors();
  showCodes(recoveryCodes);
}

const leave = () => location.replace('/account/sign-in');

async function start() {
  await refresh();
  const { email } = await call('GET', MINE);
  find('who').textContent = email;
  await show();
  find('page').hidden = false;
}

onSubmit(
  find('add-factor'),
  (values, kind) => (kind === 'totp' ? beginTotp : addPasskey)(values),
  reasonOf,
);
onSubmit(find('confirm-totp'), confirmTotp, reasonOf);
onClick(find('new-codes'), newCodes, reasonOf);
onClick(find('sign-out'), () => call('POST', 'auth/logout').then(leave), reasonOf);
start().catch(leave);
