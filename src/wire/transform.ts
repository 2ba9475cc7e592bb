import * as z from 'zod/mini';

/** What `schema` reads, changed by `change`. */
export function transform<T extends z.core.$ZodType, Output>(
  schema: T,
  change: (value: z.output<T>, context: z.core.ParsePayload) => Output,
) {
  return z.pipe(schema, z.transform(change));
}
