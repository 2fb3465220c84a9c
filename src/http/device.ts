/** In this order: Edge and Opera also say Chrome, and everybody says Safari. */
const PROGRAMS: [name: string, sign: RegExp][] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS)\//],
  ['Safari', /\bSafari\//],
  ['curl', /^curl\//],
];
/** Android says Linux, too, and an iPhone "like Mac OS X". */
const SYSTEMS: [name: string, sign: RegExp][] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];
const UNKNOWN = 'Unknown device';

/**
 * What a User-Agent says, in words of ours: "Firefox on Linux". Its own words go nowhere: they would
 * stand in a mail of ours to somebody whose password the client has just used.
 */
export function deviceOf(userAgent = ''): string {
  const program = nameIn(PROGRAMS, userAgent);
  const system = nameIn(SYSTEMS, userAgent);
  if (program && system) return `${program} on ${system}`;
  return program ?? system ?? UNKNOWN;
}

const nameIn = (names: typeof PROGRAMS, text: string) =>
  names.find(([, sign]) => sign.test(text))?.[0];
