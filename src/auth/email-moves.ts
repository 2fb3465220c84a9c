import type { Sealed } from '../crypto/protection.decorators.js';

/** An account moves from one address to another. */
export interface Move {
  id: string;
  fromEmail: string;
  toEmail: string;
}

/** An account that has its old address again. */
export interface Recovered {
  id: string;
  email: string;
}

export interface MovedRow {
  id: string;
  email: Sealed<string>;
}

export interface Undone {
  id: string;
  addedSince: Date;
}

/** The address that a link leads to, and as it is stored in the account. */
export interface Found {
  toEmail: string;
  stored: Sealed<string>;
}
