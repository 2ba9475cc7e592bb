import * as z from 'zod';
import { parse } from './codec/parse.js';

const pageQuery = z.object({
  limit: z.coerce.number().int().min(0).max(1_000_000),
  offset: z.coerce.number().int().min(0),
});

/** Cuts a list to the `limit` and `offset` of a query. */
export function page<T>(
  items: readonly T[],
  query: URLSearchParams,
  defaultLimit: number,
): { items: T[]; cursor: { offset: number; limit: number; total_count: number } } {
  const { limit, offset } = parse(pageQuery, {
    limit: query.get('limit') ?? defaultLimit,
    offset: query.get('offset') ?? 0,
  });
  return { items: items.slice(offset, offset + limit), cursor: { offset, limit, total_count: items.length } };
}
