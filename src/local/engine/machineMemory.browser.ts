// What bundlers for browsers take instead of machineMemory.ts: package.json says so under "browser".

/** A browser tells no page of it, and gives memory until it does not. */
export const memoryInUse = (): number => 0;

export const memoryAvailable = (): number => Infinity;
