import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/** A secret of 256 random bits, shown once. */
export const createToken = () => randomBytes(TOKEN_BYTES).toString('base64url');

/** 256 random bits need no slow hash; a copy of the table lets nobody in (ASVS 6.5.2). */
export const hashToken = (token: string) => createHash('sha256').update(token).digest();
