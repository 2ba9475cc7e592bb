import { TinkerError, describe } from '../errors.js';

/** Names that Windows gives to devices, with any extension. */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/i;
/** What no system allows in a name, or what means something else on one of them. */
const forbidden = /[\u0000-\u001f\u007f<>:"|?*\\]/;
const longestPart = 255;

/**
 * Checks the name of a file that a server or an archive gives, so that it stays in its folder on every system; gives its
 * parts. A leading `./` is left out.
 *
 * @throws TinkerError `invalid_response` for `..`, absolute paths, NUL and other control characters, backslashes, drives,
 * and names of devices
 */
export function checkFileName(name: string): string[] {
  const parts = name.split('/');
  while (parts[0] === '.' && parts.length > 1) parts.shift();
  const bad = parts.find(
    (part) =>
      part === '' ||
      part === '.' ||
      part === '..' ||
      forbidden.test(part) ||
      device.test(part) ||
      /[. ]$/.test(part) ||
      new TextEncoder().encode(part).length > longestPart,
  );
  if (bad === undefined) return parts;
  throw new TinkerError(
    'invalid_response',
    `Expected the name of a file within its folder, got ${describe(name)}. Nothing was written under it.`,
  );
}
