/** In a browser: files of base models by their paths, as they were fetched. */
export const keptFiles = new Map<string, Uint8Array<ArrayBuffer>>();
