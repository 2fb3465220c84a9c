import type { Edit } from '../engine/lesson.js';

export const SESSIONS = 'src/auth/sessions.service.ts';
export const TOKENS = 'src/auth/tokens.ts';
export const edit = (find: string, replace: string): Edit => ({ file: SESSIONS, find, replace });

export const UNUSED = 'AND t.used_at IS NULL AND s.id = t.session_id';
export const END_FAMILY = `UPDATE sessions SET revoked_at = coalesce(revoked_at, now())
        WHERE id = (SELECT`;
