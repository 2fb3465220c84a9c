import { Injectable } from '@nestjs/common';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Config } from '../config/config.js';
import { DEFAULT_PAGE_SIZE } from './page.dto.js';
import { Problem } from './problem.js';

/** The place after which a page starts: the sort value of its last row, and its id to break ties. */
export interface Place {
  value: string;
  id: string;
}

const MAC_BYTES = 16;

/**
 * Cursors for keyset pagination. A cursor is signed together with the list that it was made for
 * (user, filter, order), so that it cannot be edited or carried over to another list.
 */
@Injectable()
export class Cursors {
  constructor(private readonly config: Config) {}

  /** Reads what `page` wrote for the same list; throws `invalid_cursor` for anything else. */
  read(cursor: string | undefined, list: unknown): Place | undefined {
    if (cursor === undefined) return undefined;
    const [body = '', mac = ''] = cursor.split('.');
    const expected = this.sign(body, list);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new Problem('invalid_cursor');
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Place;
  }

  /** `rows` holds one more row than the page when there is a next page. */
  page<T>(rows: T[], limit: number | undefined, list: unknown, placeOf: (row: T) => Place) {
    const size = limit ?? DEFAULT_PAGE_SIZE;
    const items = rows.slice(0, size);
    const last = items.at(-1);
    const nextCursor = rows.length > size && last ? this.write(placeOf(last), list) : null;
    return { items, nextCursor };
  }

  private write(place: Place, list: unknown): string {
    const body = Buffer.from(JSON.stringify(place)).toString('base64url');
    return `${body}.${this.sign(body, list).toString('base64url')}`;
  }

  private sign(body: string, list: unknown): Buffer {
    const text = JSON.stringify([body, list]);
    const mac = createHmac('sha256', this.config.keys.cursor).update(text).digest();
    return mac.subarray(0, MAC_BYTES);
  }
}

/** How many rows to read for a page: one more tells whether there is a next page. */
export const rowsToRead = (limit: number | undefined) => (limit ?? DEFAULT_PAGE_SIZE) + 1;
