// The token stands behind the "#": no server, log or Referer sees it. Opening the page changes nothing.
const form = document.getElementById('form');
const status = document.getElementById('status');
const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);

function say(text, isError) {
  status.textContent = text;
  status.className = isError ? 'error' : 'done';
}

async function send() {
  const response = await fetch(form.dataset.sendTo, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
  });
  if (response.ok) {
    form.hidden = true;
    return say(form.dataset.done, false);
  }
  const problem = await response.json();
  const reasons = (problem.errors ?? []).map(({ message }) => message);
  return say([problem.title, ...reasons].join(' '), true);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  send()
    .catch(() => say('The service cannot be reached; try again.', true))
    .finally(() => (button.disabled = false));
});
if (!token) say('Open this page with the link from your mail.', true);
