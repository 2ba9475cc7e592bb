import { UsageError } from '../usageError.js';

/** Which files go to the hub. */
export interface FilePatterns {
  /** Only files that one of these matches; missing: all. */
  readonly allowPattern?: readonly string[];
  /** No files that one of these matches. */
  readonly ignorePattern?: readonly string[];
}

/**
 * Whether a file is wanted. `*` stands for any characters, slashes too, `?` for one, `[ab]` and `[!ab]` for one of or
 * beside these; a slash at the end, for all that is in a folder.
 *
 * @throws UsageError for a pattern that cannot be read
 */
export function fileFilter({ allowPattern, ignorePattern = [] }: FilePatterns): (name: string) => boolean {
  const allowed = allowPattern?.map(expressionOf);
  const ignored = ignorePattern.map(expressionOf);
  return (name) =>
    (allowed === undefined || allowed.some((pattern) => pattern.test(name))) &&
    !ignored.some((pattern) => pattern.test(name));
}

function expressionOf(pattern: string): RegExp {
  const whole = pattern.endsWith('/') ? `${pattern}*` : pattern;
  const source = whole.replaceAll(/\*+|\?|\[(!?)(\]?[^\]]*)\]|[^\w/]/g, (part, not?: string, set?: string) => {
    if (part.startsWith('*')) return '.*';
    if (part === '?') return '.';
    if (set !== undefined && set !== '') return `[${not === '!' ? '^' : ''}${set.replaceAll(/[\\\]^[]/g, '\\$&')}]`;
    return part.replaceAll(/[^\w/]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    throw new UsageError(`Expected a pattern like *.json, got ${JSON.stringify(pattern)}.`);
  }
}
