import { Transform } from 'class-transformer';
import { IsIP, IsISO8601, IsString, Matches } from 'class-validator';
import { addressOf } from './client-address.js';
import { field, Length, type Common } from './fields.js';

const RFC_3339 = /^(19[7-9]\d|[2-9]\d{3})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
/** What IsIP() takes besides, a zone, PostgreSQL refuses. */
const ADDRESS = /^[\dA-Fa-f:.]+$/;

/** An RFC 3339 time in UTC that the client names, since 1970: PostgreSQL has no year 0. */
export function Instant(options: Common) {
  const schema = { type: 'string', format: 'date-time', pattern: RFC_3339.source } as const;
  const rules = [IsString(), Length(20, 24), Matches(RFC_3339), IsISO8601({ strict: true })];
  return field('string', options, schema, rules);
}

/** An IPv4 or IPv6 address, without a zone. */
export function Address(options: Common) {
  const schema = { type: 'string', maxLength: 45, pattern: ADDRESS.source } as const;
  // As the log has it: an address may be spelled in several ways.
  const spell = Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && ADDRESS.test(value) ? (addressOf(value) ?? value) : value,
  );
  const rules = [spell, IsString(), Length(2, 45), Matches(ADDRESS), IsIP()];
  return field('string', options, schema, rules);
}
