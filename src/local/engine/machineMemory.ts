/** Bytes that this process takes. */
export const memoryInUse = (): number => process.memoryUsage.rss();

/** Bytes that it may still take. */
export const memoryAvailable = (): number => process.availableMemory();
