import { fileURLToPath } from 'node:url';

/** The folder of the Python sources, seen from the build. */
export const scripts = fileURLToPath(new URL('../../../../test/interop/python-sdk/', import.meta.url));
