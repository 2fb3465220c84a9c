import { TEMPLATES, type Mail } from './templates.js';

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

const LINK_LINE = '{link}';
const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (found) => ESCAPES[found] ?? '');

/** The mail in plain text and in HTML that says the same. */
export function renderMail({ template, values }: Mail): RenderedMail {
  const { subject, lines } = TEMPLATES[template];
  const text = lines.map((line) => fill(line, values, (value) => value));
  const html = lines.map((line) => {
    const filled = fill(escapeHtml(line), values, escapeHtml);
    return line === LINK_LINE ? `<p><a href="${filled}">${filled}</a></p>` : `<p>${filled}</p>`;
  });
  return { subject, text: `${text.join('\n\n')}\n`, html: `${html.join('\n')}\n` };
}

/** In one pass: what looks like a placeholder inside a value stays as it is. */
function fill(line: string, values: Record<string, string>, escape: (value: string) => string) {
  return line.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new Error(`A mail needs a value for ${name}`);
    return escape(value);
  });
}
