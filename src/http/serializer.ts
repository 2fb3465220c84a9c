import type { Type as Class } from '@nestjs/common';
import { fieldsOf, type FieldShape } from './fields.js';

type Serialize = (value: unknown) => unknown;
type Fields = readonly (readonly [name: string, write: Serialize, optional: boolean])[];

const CHECKS: Record<Exclude<FieldShape['kind'], 'object'>, Serialize> = {
  string: (value) => (typeof value === 'string' ? value : refuse('a string')),
  integer: (value) => (Number.isSafeInteger(value) ? value : refuse('an integer')),
  boolean: (value) => (typeof value === 'boolean' ? value : refuse('a boolean')),
  'date-time': (value) => (value instanceof Date ? value.toISOString() : refuse('a date')),
};

/** The message names the expectation only: the value may be what must not be told. */
function refuse(expected: string): never {
  throw new TypeError(`The answer has a field that should be ${expected}`);
}

const compiled = new Map<Class, Serialize>();

/**
 * A function that copies the declared fields of `dto` and nothing else, made once a DTO
 * (OWASP API3:2023, ASVS 15.3.1). It throws when a field has another type than declared, so that an
 * object never leaves where a text was promised.
 */
export function serializerOf(dto: Class): Serialize {
  const known = compiled.get(dto);
  if (known) return known;
  const fields: Fields = [...fieldsOf(dto)].map(
    ([name, shape]) => [name, fieldSerializer(shape), shape.optional] as const,
  );
  const serialize: Serialize = (value) => copy(value, fields);
  compiled.set(dto, serialize);
  return serialize;
}

type Stream = (value: unknown) => AsyncGenerator<string>;

/**
 * The same as JSON, piece by piece, for what is too large to be in memory: a list may come as an
 * async iterable. It ends in the middle, and the connection with it, when a field is not as declared.
 */
export function streamerOf(dto: Class): Stream {
  return async function* (value) {
    const source = objectOf(value);
    let before = '{';
    for (const [name, shape] of fieldsOf(dto)) {
      const part = source[name];
      yield `${before}${JSON.stringify(name)}:`;
      if (shape.list && isIterable(part)) yield* list(part, nested(shape));
      else yield JSON.stringify(fieldSerializer(shape)(part));
      before = ',';
    }
    yield '}';
  };
}

async function* list(items: AsyncIterable<unknown>, write: Serialize): AsyncGenerator<string> {
  yield '[';
  let before = '';
  for await (const item of items) {
    yield before + JSON.stringify(write(item));
    before = ',';
  }
  yield ']';
}

const isIterable = (part: unknown): part is AsyncIterable<unknown> =>
  typeof part === 'object' && part !== null && Symbol.asyncIterator in part;

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : refuse('an object');
}

function copy(value: unknown, fields: Fields): Record<string, unknown> {
  const source = objectOf(value);
  const result: Record<string, unknown> = {};
  for (const [name, write, optional] of fields) {
    const part = source[name];
    if (part !== undefined || !optional) result[name] = write(part);
  }
  return result;
}

function fieldSerializer(shape: FieldShape): Serialize {
  const one = shape.kind === 'object' ? nested(shape) : CHECKS[shape.kind];
  const all: Serialize = shape.list
    ? (value) => (Array.isArray(value) ? value.map(one) : refuse('a list'))
    : one;
  return shape.nullable ? (value) => (value === null ? null : all(value)) : all;
}

function nested({ of }: FieldShape): Serialize {
  if (!of) throw new TypeError('A field of kind "object" needs a DTO');
  return serializerOf(of());
}
