import { TinkerError } from '../../../src/index.js';

/** The error that some work ends with, thrown or as a rejection. */
export async function failureOf(work: () => unknown): Promise<TinkerError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TinkerError) return error;
    throw error;
  }
  throw new Error('Expected a TinkerError, got none.');
}
