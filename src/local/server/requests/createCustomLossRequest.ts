import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** Stores a loss that is given as a graph; what the graph may hold is checked when it is read. */
export const createCustomLossRequest = z.strictObject({
  session_id: z.string(),
  custom_loss_seq_id: z.int().min(0),
  name: z.string().max(256),
  inputs: z.array(z.strictObject({ name: z.string(), rank: z.int().min(0) })),
  graph: z.strictObject({
    format: z.literal(1).nullish(),
    nodes: z.array(
      z.strictObject({
        op: z.string(),
        name: z.string(),
        target: z.string(),
        args: z.array(z.unknown()).default([]),
        kwargs: z.record(z.string(), z.unknown()).default({}),
      }),
    ),
  }),
  type: typeTag,
});
