import type { StubSettings } from './stubSettings.js';

/** What a client does in one run. */
export type Task =
  | {
      readonly kind: 'train';
      readonly steps: number;
      readonly datums: number;
      readonly tokens: number;
      /** Typed arrays: the batch is made once; numbers: from number arrays for each step. */
      readonly from: 'typed' | 'numbers';
      /** One operation at a time, pass and step together, or all at once. */
      readonly mode: 'awaited' | 'paired' | 'pipelined';
    }
  | { readonly kind: 'sample'; readonly requests: number; readonly prompt: number }
  | {
      readonly kind: 'customLoss';
      readonly steps: number;
      readonly datums: number;
      readonly tokens: number;
      readonly by: 'expression' | 'tfjs';
    }
  | { readonly kind: 'start' }
  | { readonly kind: 'endurance'; readonly operations: number };

/** What is measured, from the client's CPU time but for what a figure of its own is given. */
export type Figure = 'cpu' | 'overhead' | 'idle' | 'start' | 'growth';

/** The clients that are compared. */
export type ClientName = 'rxtinker' | 'bare' | 'python';

/** One work: a task, the server for it, and what is wanted. */
export interface Work {
  /** As `--only` chooses it; several works may share a number. */
  readonly id: string;
  readonly name: string;
  readonly task: Task;
  readonly server: Partial<StubSettings>;
  readonly figure: Figure;
  /** Most of what is wanted: a ratio to the bare loop, to the Python SDK, or the figure itself. */
  readonly goal?: { readonly toBare?: number; readonly toPython?: number; readonly atMost?: number };
  readonly clients?: readonly ClientName[];
  /** Runs where not as many are wanted as elsewhere. */
  readonly runs?: number;
}

const payload = { kind: 'train', steps: 20, datums: 256, tokens: 1024, mode: 'paired' } as const;
const small = { kind: 'train', datums: 1, tokens: 16, from: 'typed' } as const;
const sample = { kind: 'sample', requests: 2000, prompt: 128 } as const;
const loss = { kind: 'customLoss', steps: 10, datums: 128, tokens: 1024 } as const;
const inOrder = { delayMs: 50, inOrder: true } as const;

/** Every work, in the order of the table. */
export const works: readonly Work[] = [
  {
    id: 'W1',
    name: '20 steps of 256 × 1,024 tokens, typed arrays',
    task: { ...payload, from: 'typed' },
    server: { datums: 256, tokens: 1024 },
    figure: 'cpu',
    goal: { toBare: 1.25, toPython: 0.8 },
  },
  {
    id: 'W1',
    name: 'the same from number arrays',
    task: { ...payload, from: 'numbers' },
    server: { datums: 256, tokens: 1024 },
    figure: 'cpu',
    goal: { toBare: 1.25, toPython: 0.4 },
  },
  {
    id: 'W1',
    name: '20 steps of 8 × 32,768 tokens',
    task: { ...payload, datums: 8, tokens: 32_768, from: 'typed' },
    server: { datums: 8, tokens: 32_768 },
    figure: 'cpu',
    goal: { toBare: 1.25, toPython: 0.8 },
  },
  {
    id: 'W1',
    name: '20 steps of 256 × 1,024 tokens with zstd',
    task: { ...payload, from: 'typed' },
    server: { datums: 256, tokens: 1024, flags: { proto_compress_fwdbwd: true } },
    figure: 'cpu',
    goal: { toBare: 1.25, toPython: 0.8 },
  },
  {
    id: 'W2',
    name: '300 steps of 1 × 16 tokens, results at once',
    task: { ...small, steps: 300, mode: 'paired' },
    server: {},
    figure: 'cpu',
    goal: { toBare: 1.3, toPython: 0.25 },
  },
  {
    id: 'W2',
    name: 'the same, results after 20 ms: time over them',
    task: { ...small, steps: 300, mode: 'paired' },
    server: { delayMs: 20 },
    figure: 'overhead',
    goal: { atMost: 2.5 },
  },
  {
    id: 'W3',
    name: '2,000 samples by retrieve_future',
    task: sample,
    server: {},
    figure: 'cpu',
    goal: { toBare: 1.3, toPython: 0.15 },
  },
  {
    id: 'W3',
    name: '2,000 samples by retrieve_futures',
    task: sample,
    server: { flags: { sample_use_retrieve_futures: true } },
    figure: 'cpu',
    goal: { toBare: 1.3, toPython: 0.15 },
  },
  {
    id: 'W4',
    name: "the server's idle time, awaited",
    task: { ...small, steps: 40, mode: 'awaited' },
    server: inOrder,
    figure: 'idle',
    goal: { atMost: 5 },
  },
  {
    id: 'W4',
    name: "the server's idle time, paired",
    task: { ...small, steps: 40, mode: 'paired' },
    server: inOrder,
    figure: 'idle',
    goal: { atMost: 2 },
  },
  {
    id: 'W4',
    name: "the server's idle time, pipelined",
    task: { ...small, steps: 40, mode: 'pipelined' },
    server: inOrder,
    figure: 'idle',
    goal: { atMost: 0.05 },
  },
  {
    id: 'W5',
    name: '1,000 results after 5 s',
    task: { ...sample, requests: 1000 },
    server: { delayMs: 5000 },
    figure: 'cpu',
    goal: { toBare: 1.3, toPython: 0.25 },
  },
  {
    id: 'W6',
    name: '10 custom losses on 128 × 1,024 tokens, expression',
    task: { ...loss, by: 'expression' },
    server: { datums: 128, tokens: 1024 },
    figure: 'cpu',
  },
  {
    id: 'W6',
    name: 'the same in tfjs (Python: torch)',
    task: { ...loss, by: 'tfjs' },
    server: { datums: 128, tokens: 1024 },
    figure: 'cpu',
  },
  {
    id: 'W7',
    name: 'from import to the first step',
    task: { kind: 'start' },
    server: {},
    figure: 'start',
    goal: { atMost: 400, toPython: 0.25 },
  },
  {
    id: 'W8',
    name: '100,000 small operations: growth of memory',
    task: { kind: 'endurance', operations: 100_000 },
    server: {},
    figure: 'growth',
    goal: { atMost: 20 },
    clients: ['rxtinker'],
    runs: 1,
  },
];
