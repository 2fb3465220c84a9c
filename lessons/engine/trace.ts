import type { Change } from './lesson.js';
import type { Exchange } from './target.js';

const MAX_LINES = 14;
const MAX_LINE = 96;

/** What differs from run to run, and the word that stands for it. Numbered where identity matters. */
const PLACEHOLDERS: [pattern: RegExp, word: string, numbered: boolean][] = [
  [/eyJ[\w-]+\.[\w-]*\.[\w-]*/g, 'access token', true],
  [/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, 'id', true],
  [/\b[\da-f]{32}\b/g, 'request id', false],
  [/(?<![\w-])[\w-]{43}(?![\w-])/g, 'token', true],
  [/(?<="(?:clientDataJson|signature|userHandle)": ")[\w-]+/g, 'base64url', false],
  [/(?<=\w)-[\da-f]{8}(?=(?:@|%40)example\.com)/g, '', false],
  [/plum orchid [\da-f]{8}/g, 'password', true],
  [/(?<="code": ")\d{6}(?=")/g, 'code', true],
  [/\b[\da-f]{8}\b/g, 'random', false],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time', false],
];

/** A change as the reader sees it: where it is, what goes and what comes. */
export function placesOf({ edits = [], sql, env = {} }: Change) {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [
    ...edits.map(({ file, find, replace }) => ({ place: file, before: find, after: replace })),
    ...(sql ? [{ place: 'in the database', before: '', after: sql }] : []),
    ...(settings.length > 0
      ? [{ place: 'environment', before: '', after: settings.join('\n') }]
      : []),
  ];
}

/** The last exchanges of an attack as text that is the same at every run. */
export function renderTrace(trace: Exchange[], last = 2): string {
  if (trace.length === 0) return 'The app starts.';
  const text = trace.slice(-last).map(renderExchange).join('\n\n');
  return PLACEHOLDERS.reduce((result, placeholder) => substitute(result, ...placeholder), text)
    .split('\n')
    .map((line) => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 3)}...` : line))
    .join('\n');
}

/** What the app said when it refused to start, without the places in the code where it said it. */
export const renderRefusal = (message: string) =>
  `The app refuses to start:\n${message.replaceAll(/^ +at .*\n?/gm, '').trim()}`;

function substitute(text: string, pattern: RegExp, word: string, numbered: boolean): string {
  const seen: string[] = [];
  return text.replace(pattern, (found) => {
    if (word === '') return '';
    if (!seen.includes(found)) seen.push(found);
    return numbered ? `<${word} ${seen.indexOf(found) + 1}>` : `<${word}>`;
  });
}

function renderExchange({ who, method, path, sent, status, got }: Exchange): string {
  return [`${who}> ${method} ${path}`, ...body(sent), `<- ${status}`, ...body(got)].join('\n');
}

function body(value: unknown): string[] {
  if (
    value === undefined ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  )
    return [];
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const lines = text.split('\n');
  const shown = lines.slice(0, MAX_LINES).map((line) => `   ${line}`);
  return lines.length > MAX_LINES ? [...shown, '   ...'] : shown;
}
