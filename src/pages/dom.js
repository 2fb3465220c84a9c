// Builds what is shown. What comes from the API becomes text, never markup (OWASP DOM XSS, rule 6).

export const find = (id) => document.getElementById(id);

/** An element with these properties; children are elements or texts. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function say(text, isError = false) {
  const status = find('status');
  status.textContent = text;
  status.className = isError ? 'error' : 'done';
}

/** Does the work of a button or a form, once at a time, and says what came of it. */
export async function busy(button, work, reasonOf) {
  button.disabled = true;
  say('');
  try {
    await work();
  } catch (error) {
    say(reasonOf(error), true);
  } finally {
    button.disabled = false;
  }
}

/** The fields of a form as an object. */
export const valuesOf = (form) => Object.fromEntries(new FormData(form));

export function onSubmit(form, work, reasonOf) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector('button[type=submit]');
    void busy(button, () => work(valuesOf(form), button.value), reasonOf);
  });
}

export function onClick(button, work, reasonOf) {
  button.addEventListener('click', () => void busy(button, work, reasonOf));
}
