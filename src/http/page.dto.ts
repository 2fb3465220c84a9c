import { Integer, Text } from './fields.js';

export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;
/** A cursor holds the longest title, each character of it escaped. */
const MAX_CURSOR = 2_000;

export class PageQuery {
  @Integer({
    min: 1,
    max: MAX_PAGE_SIZE,
    fromText: true,
    optional: true,
    example: DEFAULT_PAGE_SIZE,
    about: `How many items at the most; ${DEFAULT_PAGE_SIZE} unless told.`,
  })
  limit?: number;

  @Text({
    max: MAX_CURSOR,
    optional: true,
    example: undefined,
    about: '`nextCursor` of the page before. It fits the same user, filter and order only.',
  })
  cursor?: string;
}

export class PageResponse {
  @Text({
    max: MAX_CURSOR,
    nullable: true,
    example: null,
    about: 'Where the next page starts, if any.',
  })
  nextCursor!: string | null;
}
