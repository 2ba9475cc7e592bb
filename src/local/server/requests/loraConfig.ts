import * as z from 'zod';

/** The form of a LoRA adapter. */
export const loraConfig = z
  .strictObject({
    rank: z.int().min(1).max(512).default(32),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .nullish(),
    train_unembed: z.boolean().default(true),
    train_mlp: z.boolean().default(true),
    train_attn: z.boolean().default(true),
  })
  .refine(({ train_unembed, train_mlp, train_attn }) => train_unembed || train_mlp || train_attn, {
    error: 'Expected at least one of train_unembed, train_mlp and train_attn to be true',
  });
