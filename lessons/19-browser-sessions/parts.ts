export const COOKIE = 'src/auth/refresh-cookie.ts';
export const TOKENS = 'src/auth/tokens.service.ts';
export const REFRESHES = 'src/auth/refresh.service.ts';

export const OWN_PAGE = "if (!isOwn) throw new Problem('cross_site_request');";
export const OTHERS = "if (others.length > 0) throw new Problem('ambiguous_token');";
