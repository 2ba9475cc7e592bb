import * as z from 'zod';
import type { LoraShape } from '../engine/engine.js';
import { checkpointKinds } from './checkpointKind.js';

/** How a file was written, to find out at the next start whether it still is so. */
const fileMark = z.object({ bytes: z.int(), checksum: z.string() });

/** What is written beside a checkpoint's weights, as `manifest.json`. */
export const checkpointManifest = z.object({
  format: z.literal(1),
  run_id: z.string(),
  kind: z.enum(checkpointKinds),
  name: z.string(),
  base_model: z.string(),
  lora: z.object({
    rank: z.int(),
    seed: z.int(),
    train_attn: z.boolean(),
    train_mlp: z.boolean(),
    train_unembed: z.boolean(),
  }),
  /** ISO 8601, UTC. */
  time: z.string(),
  expires_at: z.string().optional(),
  size_bytes: z.int(),
  public: z.boolean(),
  user_metadata: z.record(z.string(), z.unknown()).optional(),
  /** Counts the times that this name was written; the files carry it. */
  version: z.int(),
  files: z.object({ adapter: fileMark, optimizer: fileMark.optional() }),
  /** Whose it is, by a hash of the API key; missing where the server asked for none. */
  owner: z.string().optional(),
});

export type CheckpointManifest = z.infer<typeof checkpointManifest>;

/** A manifest's form of a LoRA adapter as the engine wants it. */
export function loraShapeOf({ lora }: CheckpointManifest): LoraShape {
  return {
    rank: lora.rank,
    seed: lora.seed,
    trainAttention: lora.train_attn,
    trainMlp: lora.train_mlp,
    trainUnembedding: lora.train_unembed,
  };
}
