/** Claims of a JSON web token; its signature is not looked at: it came from the server, or is the caller's own. */
export type JwtClaims = Readonly<Record<string, unknown>>;

/** Whether a key has the form in which tokens begin. */
export function isJwt(key: string): boolean {
  return key.startsWith('eyJ');
}

/** The claims of a token (RFC 7519); undefined where it can't be read. */
export function jwtClaims(token: string): JwtClaims | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}

/** When a token ends, in milliseconds since 1970; undefined where it does not say. */
export function jwtExpiry(token: string): number | undefined {
  const exp = jwtClaims(token)?.exp;
  return typeof exp === 'number' ? exp * 1000 : undefined;
}

/** How long a token lasts from its issue to its end, in milliseconds; undefined where it does not say. */
export function jwtLifetime(token: string): number | undefined {
  const { exp, iat } = jwtClaims(token) ?? {};
  return typeof exp === 'number' && typeof iat === 'number' && exp > iat ? (exp - iat) * 1000 : undefined;
}
