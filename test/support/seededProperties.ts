import fc from 'fast-check';

/** Property tests repeat the same cases in every run; `npm run check:full` tries others. */
fc.configureGlobal({ seed: Number(process.env.RXTINKER_TEST_SEED ?? 1) });
