/** The command was asked to end before it was done. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  /** @param signal name of the signal that asked */
  constructor(readonly signal: unknown) {
    super('The command was interrupted.');
  }
}
