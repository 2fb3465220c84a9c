// How the text of a variable is read. Each throws an Error that says what is wrong and how to mend it,
// never the value.

export function oneOf<T extends string>(...allowed: T[]) {
  return (text: string): T => {
    const found = allowed.find((value) => value === text);
    if (!found) throw new Error(`must be one of: ${allowed.join(', ')}`);
    return found;
  };
}

export function integer(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Error(`must be a whole number from ${min} to ${max}`);
    return value;
  };
}

export function origin(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.origin !== text.replace(/\/$/, ''))
    throw new Error(
      'must be an origin like https://api.example.com, without path, user or wildcard',
    );
  return url.origin;
}

export function postgresUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || url.pathname.length < 2)
    throw new Error('must look like postgres://user:password@host:5432/database');
  return text;
}

/** Nothing but `requireTLS` may stand in the query: a mailer would take more, and trust anybody. */
export function smtpUrl(text: string): string {
  const url = URL.parse(text);
  const isBare = url && /^(\?requireTLS=true)?$/.test(url.search) && /^\/?$/.test(url.pathname);
  if (!isBare || !/^smtps?:$/.test(url.protocol) || !url.hostname)
    throw new Error('must look like smtps://user:password@host or smtp://host?requireTLS=true');
  return text;
}

export function breachedPasswordsUrl(text: string): string {
  const url = URL.parse(text);
  const isBare = url && url.search === '' && url.hash === '' && url.pathname.endsWith('/');
  // Who listens on the way would learn what the list does, and could answer for it.
  if (!isBare || (url.protocol !== 'https:' && url.hostname !== '127.0.0.1'))
    throw new Error('must look like https://api.example.com/range/');
  return url.href;
}

export function mailAddress(text: string): string {
  if (!/^[^\s@<>,"]+@[^\s@<>,"]+$/.test(text))
    throw new Error('must be one bare address like no-reply@example.com');
  return text;
}
