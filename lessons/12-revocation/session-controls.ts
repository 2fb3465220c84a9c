import type { Control } from '../engine/lesson.js';
import { SIGN_INS } from './parts.js';

const ENDS = 'src/auth/session-ends.service.ts';
const LISTS = 'src/auth/session-lists.service.ts';

const control = (
  id: string,
  title: string,
  [file, find, replace]: [file: string, find: string, replace: string],
  opens: string[],
): Control => ({ id, title, file, removal: { edits: [{ file, find, replace }] }, opens });

/** What a person sees of his sessions, and what nobody else does. */
export const sessionControls: Control[] = [
  control(
    'session-owner',
    'Only the owner ends a session by its id',
    [ENDS, 'id = ${id} AND user_id = ${userId} AND', 'id = ${id} AND'],
    [],
  ),
  control(
    'session-list-own',
    'The list has the sessions of one user',
    [LISTS, 's.user_id = ${userId} AND', ''],
    [],
  ),
  control(
    'session-network-only',
    'Of an address, the network is kept',
    [SIGN_INS, 'const place = placeOf(attempt.ip);', 'const place = attempt.ip;'],
    ['session-whole-address'],
  ),
  control(
    'notice-new-network',
    'A sign-in from a network that the account does not know is told by mail',
    [SIGN_INS, 'if (isNew && !session.isFirst)', 'if (session.isFirst && !isNew)'],
    ['notice-stolen-password', 'notice-same-device'],
  ),
];
