import type * as z from 'zod';
import { refusal } from '../refusal.js';

const shownIssues = 4;

/** Reads a value by a schema. @throws TinkerError with status 422 that names what is wrong and where. */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues
    .slice(0, shownIssues)
    .map(({ path, message }) => `${path.length === 0 ? 'body' : path.map(String).join('.')}: ${message}`);
  const more = result.error.issues.length - issues.length;
  throw refusal(422, issues.join('; ') + (more > 0 ? `; and ${more} more` : ''));
}
