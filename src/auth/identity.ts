import { TinkerError } from '../errors.js';
import { jwtClaims } from './jwt.js';

/** Who a key belongs to. */
export interface Identity {
  readonly userUrn: string;
  readonly orgUrn: string;
  /** Missing where no person is behind the key. */
  readonly email?: string;
}

/** Reads who a token belongs to. @throws TinkerError `invalid_response` for a token that does not say */
export function identityOf(token: string): Identity {
  const { sub, org_id: orgId, email } = jwtClaims(token) ?? {};
  if (typeof sub !== 'string' || typeof orgId !== 'string') {
    throw new TinkerError('invalid_response', 'Expected a token with the claims sub and org_id, got one without.');
  }
  return {
    userUrn: sub,
    orgUrn: `tml:organization:${orgId}`,
    ...(typeof email === 'string' && email !== '' && { email }),
  };
}
