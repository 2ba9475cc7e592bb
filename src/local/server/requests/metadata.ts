import * as z from 'zod';

const longest = 65_536;
const deepest = 32;

/** Whatever a client wants to note; it is kept with what it is about, so its size is limited. */
export const metadata = z
  .record(z.string(), z.unknown())
  .refine((value) => depthOf(value) <= deepest && JSON.stringify(value).length <= longest, {
    error: `Expected at most ${longest} characters of JSON, nested at most ${deepest} deep`,
  });

/** How deep a value is nested, as far as it matters. */
function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > deepest) return depth;
  return Math.max(depth, ...Object.values(value).map((inner) => depthOf(inner, depth + 1)));
}
