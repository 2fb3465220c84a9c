// The token stands behind the "#": no server, log or Referer sees it. Opening the page changes nothing.
import { call, download, Refusal } from './api.js';
import { element, find, onSubmit, say } from './dom.js';

const form = find('form');
const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);

function reasonOf(error) {
  if (!(error instanceof Refusal)) return 'The service cannot be reached; try again.';
  return error.code === 'invalid_refresh_token'
    ? 'Sign in first, in another tab; then come back to this one.'
    : error.message;
}

async function keep(file, answer) {
  element('a', { href: URL.createObjectURL(await answer), download: file }).click();
}

async function send(values) {
  const { sendTo, file } = form.dataset;
  const request = ['POST', sendTo.replace('/v1/', ''), { token, ...values }];
  await (file ? keep(file, download(...request)) : call(...request));
  form.hidden = true;
  say(form.dataset.done);
}

onSubmit(form, send, reasonOf);
if (!token) say('Open this page with the link from your mail.', true);
