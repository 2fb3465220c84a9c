// The token stands behind the "#": no server, log or Referer sees it. Opening the page changes nothing.
import { call, Refusal } from './api.js';
import { find, onSubmit, say } from './dom.js';

const form = find('form');
const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);

const reasonOf = (error) =>
  error instanceof Refusal ? error.message : 'The service cannot be reached; try again.';

async function send(values) {
  await call('POST', form.dataset.sendTo.replace('/v1/', ''), { token, ...values });
  form.hidden = true;
  say(form.dataset.done);
}

onSubmit(form, send, reasonOf);
if (!token) say('Open this page with the link from your mail.', true);
