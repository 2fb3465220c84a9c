import { getMetadataArgsStorage } from 'typeorm';

declare const sealedAs: unique symbol;
/** What the row holds: no serializer takes it for a text, and no compiler does. */
export type Sealed<T extends string | Buffer> = Buffer & { readonly [sealedAs]: T };
type OpenedValue<V> = V extends Sealed<infer T> ? T : V;
/** The row once its values are opened. */
export type Opened<Row> = { [K in keyof Row]: OpenedValue<Row[K]> };

/** How a column is kept from whoever gets a copy of the database. */
export type Protection =
  | { kind: 'encrypted'; as: 'text' | 'bytes' }
  | { kind: 'hashed' | 'indexed' }
  | { kind: 'plain'; why: string };

type Class = abstract new (...args: never[]) => unknown;

const PROTECTIONS = new Map<unknown, Map<string, Protection>>();
const OWNERS = new Map<unknown, string | null>();

const protect =
  (protection: Protection): PropertyDecorator =>
  ({ constructor }, property) => {
    const known = PROTECTIONS.get(constructor) ?? new Map<string, Protection>();
    PROTECTIONS.set(constructor, known.set(String(property), protection));
  };

/** AES-256-GCM under the data key of the row's owner: see `@SealedFor`. */
export const Encrypted = (as: 'text' | 'bytes' = 'text') => protect({ kind: 'encrypted', as });
/** A keyed hash, by which the row is found and of which there is one: nobody without the key can guess. */
export const BlindIndex = () => protect({ kind: 'indexed' });
/** Of something random, or with Argon2id: what was hashed does not come back. */
export const Hashed = () => protect({ kind: 'hashed' });
/** Readable in every copy of the database. The reason is for whoever adds the next column. */
export const Plain = (why: string) => protect({ kind: 'plain', why });

/** The property that names the owner whose data key seals this row; null: nobody's yet, the app's own. */
export const SealedFor =
  (owner: string | null): ClassDecorator =>
  (target) => {
    OWNERS.set(target, owner);
  };

/** Everything that sealing a row needs to know of its table. */
export interface SealedTable {
  table: string;
  owner: string | null;
  /** The primary key. */
  keys: { property: string; column: string; type: string }[];
  fields: { property: string; column: string; as: 'text' | 'bytes' }[];
}

/** What an entity says of each column that could hold something. */
export interface DeclaredColumn {
  table: string;
  column: string;
  protection: Protection;
}

const tables = new Map<Class, SealedTable>();

export function sealedTableOf(entity: Class): SealedTable {
  const known = tables.get(entity) ?? readTable(entity);
  tables.set(entity, known);
  return known;
}

function readTable(entity: Class): SealedTable {
  const owner = OWNERS.get(entity);
  if (owner === undefined) throw new Error(`${entity.name} needs @SealedFor(...)`);
  const columns = columnsOf(entity);
  const fields = columns.flatMap(({ property, column }) => {
    const protection = PROTECTIONS.get(entity)?.get(property);
    return protection?.kind === 'encrypted' ? [{ property, column, as: protection.as }] : [];
  });
  return { table: nameOf(entity), owner, keys: columns.filter(({ isKey }) => isKey), fields };
}

/** Every table that holds sealed values. */
export const sealedTables = (): SealedTable[] =>
  getMetadataArgsStorage()
    .tables.filter(({ target }) => OWNERS.has(target))
    .map(({ target }) => sealedTableOf(target as Class));

export const declaredColumns = (): DeclaredColumn[] =>
  getMetadataArgsStorage().tables.flatMap(({ target }) =>
    columnsOf(target as Class).flatMap(({ property, column }) => {
      const protection = PROTECTIONS.get(target)?.get(property);
      return protection ? [{ table: nameOf(target as Class), column, protection }] : [];
    }),
  );

const nameOf = (entity: Class): string =>
  getMetadataArgsStorage().tables.find(({ target }) => target === entity)?.name ?? '';

const columnsOf = (entity: Class) =>
  getMetadataArgsStorage()
    .columns.filter(({ target }) => target === entity)
    .map(({ propertyName: property, options: { name, primary, type } }) => ({
      property,
      column: name ?? property,
      type: String(type),
      isKey: primary === true,
    }));
