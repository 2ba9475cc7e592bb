import { describe, expect, it } from 'vitest';
import { identityOf } from '../../src/auth/identity.js';
import { isJwt, jwtClaims, jwtExpiry, jwtLifetime } from '../../src/auth/jwt.js';
import { token } from './tokens.js';

describe('a token', () => {
  it('tells its claims, end and lifetime', () => {
    const made = token({ sub: 'ünï→', exp: 1_000, iat: 400 });
    expect(isJwt(made)).toBe(true);
    expect(jwtClaims(made)).toEqual({ sub: 'ünï→', exp: 1_000, iat: 400 });
    expect(jwtExpiry(made)).toBe(1_000_000);
    expect(jwtLifetime(made)).toBe(600_000);
  });

  it.each(['', 'eyJ', 'eyJ.!!!.x', 'a.bnVsbA.c', `eyJ.${Buffer.from('{').toString('base64url')}.x`])(
    'that can not be read tells nothing: %s',
    (text) => {
      expect([jwtClaims(text), jwtExpiry(text), jwtLifetime(text)]).toEqual([undefined, undefined, undefined]);
    },
  );

  it('tells no lifetime without both times, or with an end before its issue', () => {
    expect(jwtLifetime(token({ exp: 10 }))).toBeUndefined();
    expect(jwtLifetime(token({ exp: 10, iat: 10 }))).toBeUndefined();
    expect(jwtExpiry(token({ exp: '10' }))).toBeUndefined();
  });

  it('tells who it belongs to', () => {
    expect(identityOf(token({ sub: 'tml:user:1', org_id: 'o', email: 'a@b' }))).toEqual({
      userUrn: 'tml:user:1',
      orgUrn: 'tml:organization:o',
      email: 'a@b',
    });
    expect(identityOf(token({ sub: 's', org_id: 'o', email: '' }))).not.toHaveProperty('email');
    expect(() => identityOf(token({ sub: 's' }))).toThrow('claims sub and org_id');
  });
});
