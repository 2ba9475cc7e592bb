/** Whose checkpoints a client reads and changes. */
export interface Owner {
  /** A hash of the API key; missing where the server asks for none. */
  readonly id: string | undefined;
  /** Whether a checkpoint of this owner is its own. */
  owns(owner: string | undefined): boolean;
}

/** The only client of a server without a key: all checkpoints are its own. */
export const soleOwner: Owner = { id: undefined, owns: () => true };

/**
 * The owner behind an API key.
 *
 * @param isOnly Whether the server has no other key: what was saved without a key is then its own too.
 */
export async function ownerOfKey(key: string, isOnly: boolean): Promise<Owner> {
  const id = await slowHash(key);
  return { id, owns: (owner) => owner === id || (isOnly && owner === undefined) };
}

/** Written beside each checkpoint, so it must not give away a key that could be guessed. */
async function slowHash(key: string): Promise<string> {
  const { subtle } = globalThis.crypto;
  const encoder = new TextEncoder();
  const material = await subtle.importKey('raw', encoder.encode(key), 'PBKDF2', false, ['deriveBits']);
  const settings = { name: 'PBKDF2', hash: 'SHA-256', salt: encoder.encode('rxtinker owner'), iterations: 200_000 };
  const bits = new Uint8Array(await subtle.deriveBits(settings, material, 128));
  return Array.from(bits, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
