import { applyDecorators, type Type as Class } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsEmail,
  IsIn,
  IsInt,
  IsString,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';
import { spellEmail } from './email-spelling.js';

/** How a field leaves: the serializer lets nothing else through. */
export interface FieldShape {
  kind: 'string' | 'integer' | 'boolean' | 'date-time' | 'object';
  list: boolean;
  optional: boolean;
  nullable: boolean;
  of?: () => Class;
}

const SHAPES = Symbol('fields');

/** The fields of a DTO by name, those of the classes that it extends included. */
export function fieldsOf(dto: Class): ReadonlyMap<string, FieldShape> {
  return Reflect.getMetadata(SHAPES, dto.prototype) ?? new Map();
}

export interface Common {
  example: unknown;
  about?: string;
  optional?: boolean;
  nullable?: boolean;
}

// One decorator a field: its rule on the way in, its place in the allow-list on the way out, its
// description in OpenAPI. A field cannot have one without the others, nor a text without a bound.
export function field(
  kind: FieldShape['kind'],
  options: Common & { list?: boolean; of?: () => Class },
  schema: ApiPropertyOptions,
  rules: PropertyDecorator[],
): PropertyDecorator {
  const { optional = false, nullable = false, list = false, of } = options;
  const shape: FieldShape = { kind, list, optional, nullable, ...(of && { of }) };
  const remember: PropertyDecorator = (prototype, name) => {
    const shapes = new Map(Reflect.getMetadata(SHAPES, prototype) as Map<string, FieldShape>);
    Reflect.defineMetadata(SHAPES, shapes.set(String(name), shape), prototype);
  };
  // Not @IsOptional(): that one lets null through as well.
  const absent = optional ? [ValidateIf((_dto, value) => value !== undefined)] : [];
  return applyDecorators(remember, ApiProperty(describe(options, schema)), ...absent, ...rules);
}

function describe({ example, about, optional, nullable }: Common, schema: ApiPropertyOptions) {
  return {
    ...schema,
    required: !optional,
    ...(nullable && { nullable: true }),
    ...(example !== undefined && { example }),
    ...(about && { description: about }),
  } as ApiPropertyOptions;
}

const onText = (change: (text: string) => unknown) =>
  Transform(({ value }) => (typeof value === 'string' ? change(value) : value));

/** In code points, as PostgreSQL and JSON Schema count. @Length leaves variation selectors uncounted. */
export const Length = (min: number, max: number, options?: ValidationOptions) =>
  ValidateBy(
    {
      name: 'isLength',
      validator: {
        validate: (text) =>
          typeof text === 'string' && isBetween(min, Array.from(text).length, max),
        defaultMessage: () => `must have ${min} to ${max} characters`,
      },
    },
    options,
  );

const isBetween = (min: number, value: number, max: number) => min <= value && value <= max;

/** Text of `min` to `max` characters, white space at its ends taken off. */
export function Text(options: Common & { min?: number; max: number }) {
  const { min = 0, max } = options;
  const schema = { type: 'string', minLength: min, maxLength: max } as const;
  return field('string', options, schema, [
    onText((text) => text.trim()),
    IsString(),
    Length(min, max),
  ]);
}

/** Text that is taken as it comes: passwords and tokens. Never shown in an answer. */
export function SecretText(options: Common & { max: number }) {
  const schema = { type: 'string', maxLength: options.max, format: 'password' } as const;
  return field('string', options, schema, [IsString(), Length(1, options.max)]);
}

/** Bytes as RFC 4648 §5 writes them, without padding. `max` characters. */
export function Base64Url(options: Common & { max: number }) {
  const pattern = /^[\w-]+$/;
  const schema = { type: 'string', maxLength: options.max, pattern: pattern.source } as const;
  return field('string', options, schema, [IsString(), Length(1, options.max), Matches(pattern)]);
}

/**
 * No line ends, which begin other headers of a mail, and nothing that the eye does not see. In quotes,
 * a backslash would spell one address in many ways, and no mail gets through with an angle bracket.
 */
const VISIBLE = /^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\\<>]*$/u;

/** An address, compared in one form: lower case, NFKC, trimmed, no needless quotes, an ASCII domain. */
export function Email(options: Common) {
  const schema = { type: 'string', format: 'email', maxLength: 254 } as const;
  // The length stands before the patterns: no pattern meets a long text (ReDoS).
  const rules = [IsString(), Length(3, 254), Matches(VISIBLE), IsEmail()];
  return field('string', options, schema, [onText(spellEmail), ...rules]);
}

export function Uuid(options: Common) {
  const schema = { type: 'string', format: 'uuid' } as const;
  // One spelling: ids are compared as texts, too.
  return field('string', options, schema, [onText((text) => text.toLowerCase()), IsUUID()]);
}

/** A whole number. `fromText` for parameters of the URL, which arrive as digits. */
export function Integer(options: Common & { min: number; max: number; fromText?: boolean }) {
  const { min, max, fromText } = options;
  const digits = onText((text) => (fromText && /^\d{1,9}$/.test(text) ? Number(text) : text));
  const schema = { type: 'integer', minimum: min, maximum: max } as const;
  return field('integer', options, schema, [digits, IsInt(), Min(min), Max(max)]);
}

export function Flag(options: Common) {
  return field('boolean', options, { type: 'boolean' }, [IsBoolean()]);
}

export function Choice(options: Common & { of: readonly string[] }) {
  const { of: choices, ...common } = options;
  return field('string', common, { type: 'string', enum: [...choices] }, [IsIn(choices)]);
}

/** A set of short texts. */
export function TextList(options: Common & { max: number; maxItems: number }) {
  const { max, maxItems } = options;
  const items = { type: 'string', minLength: 1, maxLength: max } as const;
  const schema = { type: 'array', items, maxItems, uniqueItems: true } as const;
  const trim = Transform(({ value }: { value: unknown }) =>
    Array.isArray(value)
      ? value.map((item) => (typeof item === 'string' ? item.trim() : item))
      : value,
  );
  const each = { each: true };
  const rules = [trim, IsArray(), ArrayMaxSize(maxItems), ArrayUnique(), IsString(each)];
  return field('string', { ...options, list: true }, schema, [...rules, Length(1, max, each)]);
}

/** An RFC 3339 time in UTC. Answers only. */
export function Moment(options: Common) {
  return field('date-time', options, { type: 'string', format: 'date-time' }, []);
}

/** Other DTOs inside this one. */
export function ListOf(of: () => Class, options: { maxItems: number; about?: string }) {
  // Swagger takes a function for a late reference only when it is called "type".
  const schema = { type: () => of(), isArray: true, maxItems: options.maxItems } as const;
  const rules = [
    IsArray(),
    ArrayMaxSize(options.maxItems),
    ValidateNested({ each: true }),
    Type(of),
  ];
  return field('object', { ...options, example: undefined, list: true, of }, schema, rules);
}
