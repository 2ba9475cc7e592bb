import type { TinkerErrorCode } from '../../src/errors.js';
import { TinkerError } from '../../src/errors.js';
import type { CheckpointEntry } from '../../src/training/checkpointLog.js';
import { batchOf } from './batchOf.js';
import type { Executed, Ledger, ModelRecord } from './ledger.js';
import type { SimulatedDisk } from './simulatedDisk.js';
import type { SimulationResult } from './simulatedRun.js';

/** What must have happened before a client may fail with a code; for those not listed nothing is an excuse. */
const CAUSES: Partial<Record<TinkerErrorCode, readonly string[]>> = {
  model_lost: ['server crash', 'hanging client'],
  not_found: ['server crash', 'hanging client'],
  promise_expired: ['evicted result', 'hanging client'],
  invalid_response: ['cut answer'],
  lane_broken: ['server crash', 'hanging client', 'clock jump', 'any fault'],
  connection_lost: ['server crash', 'hanging client', 'clock jump'],
  connection_failed: ['server crash', 'hanging client', 'clock jump'],
  request_timeout: ['hanging client', 'clock jump', 'late answer', 'late request', 'server crash'],
  request_failed: ['server crash', 'hanging client', 'empty 400'],
  conflict: ['clock jump'],
  closed: ['client crash', 'server crash', 'any fault'],
};

/** What may last longer than a request is sent again for: then the last answer of a proxy, whatever it is, is told. */
const OUTAGES = ['server crash', 'clock jump', 'hanging client'];

/** What a run broke of the promises that hold whatever happens; a faultless run of the same steps is the measure. */
export function violations(result: SimulationResult, faultless: SimulationResult, steps: number): string[] {
  const { ledger, leftOver, closeMs, disk } = result;
  const { finished } = ledger;
  if (finished === undefined)
    return [ledger.failure === undefined ? 'it hangs' : `it failed: ${String(ledger.failure)}`];
  return [
    ...unequal('weights and optimizer of the last checkpoint', weights(result), weights(faultless)),
    ...ledger.models.flatMap((model) => unlikeExecuted(model, ledger)),
    ...history(finished, ledger, steps),
    ...ledger.entries
      .filter((entry) => !isOnDisk(entry, disk))
      .map(({ name }) => `${name} is recorded but not on the disk`),
    ...lies(ledger, faultless.ledger),
    ...unnamed(ledger),
    ...Object.entries(leftOver).flatMap(([what, left]) => unequal(`left over: ${what}`, left, 0)),
    ...(closeMs <= 10_000 ? [] : [`closing took ${closeMs} ms`]),
  ];
}

function weights({ ledger, disk }: SimulationResult): string {
  const { finished } = ledger;
  if (finished === undefined) return 'none';
  return filesOf(finished, disk)
    .map((file) => Buffer.from(disk.read(file) ?? []).toString('base64'))
    .join(' ');
}

function isOnDisk(entry: CheckpointEntry, disk: SimulatedDisk): boolean {
  return filesOf(entry, disk).length === 2 && disk.read(`${folderOf(entry)}/manifest.json`) !== undefined;
}

function filesOf(entry: CheckpointEntry, disk: SimulatedDisk): string[] {
  return disk.paths.filter((path) => path.startsWith(`${folderOf(entry)}/`) && path.endsWith('.safetensors')).sort();
}

function folderOf({ statePath }: CheckpointEntry): string {
  return statePath.replace(/^tinker:\/\//, 'checkpoints/');
}

/** Each operation that was answered was executed once, as the seq_id-th of its model. */
function unlikeExecuted({ modelId, startStep, events }: ModelRecord, ledger: Ledger): string[] {
  const executed = ledger.executed.get(modelId) ?? [];
  const found: string[] = [];
  let passes = 0;
  let latest = 0;
  for (const { type, operation, seqIds } of events) {
    const [seqId = 0] = seqIds;
    if (type === 'sent') {
      // An answer that can't be read spends the seq_id and counts as not sent.
      const skipped = seqId > latest + 1 && !ledger.happened.has('cut answer');
      if (seqId <= latest || skipped) found.push(`${modelId}: seq_id ${seqId} was sent after ${latest}`);
      latest = seqId;
      const call = executed[seqId - 1];
      if (call !== undefined && call.operation !== operation) {
        found.push(`${modelId}: seq_id ${seqId} is ${operation}, but ${call.operation} was executed`);
      }
      if (operation === 'forward_backward') {
        const tokens = tokensOf(startStep + passes++);
        if (call?.tokens !== undefined && call.tokens !== tokens)
          found.push(`${modelId}: seq_id ${seqId} got another batch`);
      }
    }
    if (type === 'done' && executed.length < seqId) {
      found.push(`${modelId}: ${operation} with seq_id ${seqId} was answered but not executed`);
    }
  }
  const broken = events.findIndex(({ error }) => error?.code === 'lane_broken');
  if (broken >= 0 && events.slice(broken).some(({ type }) => type === 'sent')) {
    found.push(`${modelId}: something was sent after the lane broke`);
  }
  // More than were answered may have been executed: the one whose answer was lost, and those whose answer can't be read.
  if (executed.length > latest + 1 + (ledger.happened.get('cut answer') ?? 0))
    found.push(`${modelId}: ${executed.length} calls were executed, ${latest} were sent`);
  return found;
}

/** In the history that survives each batch is applied once, in order, and each checkpoint is where it says. */
function history(last: CheckpointEntry, ledger: Ledger, steps: number): string[] {
  const found: string[] = [];
  const batches: string[] = [];
  for (let entry: CheckpointEntry | undefined = last; entry !== undefined;) {
    const { batch, statePath, name }: CheckpointEntry = entry;
    const model: ModelRecord | undefined = ledger.models.find(({ modelId }) =>
      statePath.startsWith(`tinker://${modelId}/`),
    );
    if (model === undefined) return [`${name} is of a model that nobody knows`];
    const { before, next } = callsOf(model, batch, ledger);
    batches.unshift(
      ...before.flatMap(({ operation, tokens = '' }) => (operation === 'forward_backward' ? [tokens] : [])),
    );
    if (next?.operation !== 'save_weights') found.push(`${name} was not saved right after step ${batch - 1}`);
    entry = model.from;
  }
  const expected = Array.from({ length: steps }, (_, step) => tokensOf(step));
  return [...found, ...unequal('batches of the surviving history', batches.join(), expected.join())];
}

/** What was executed of a model up to the optimizer step before `batch`, and the call behind that. */
function callsOf(
  { modelId, startStep }: ModelRecord,
  batch: number,
  ledger: Ledger,
): { before: Executed[]; next: Executed | undefined } {
  const calls = (ledger.executed.get(modelId) ?? []).filter(({ operation }) => operation !== 'forward');
  let optimSteps = 0;
  let end = 0;
  while (end < calls.length && optimSteps < batch - startStep) {
    if (calls[end++]?.operation === 'optim_step') optimSteps += 1;
  }
  return { before: calls.slice(0, end), next: calls[end] };
}

/** Results other than those of the faultless run. */
function lies(ledger: Ledger, faultless: Ledger): string[] {
  const metrics = new Map(faultless.steps.map((step) => [step.step, step.metrics]));
  const samples = new Map(faultless.samples.map((sample) => [sample.batch, sample.tokens]));
  return [
    ...ledger.steps.flatMap(({ step, metrics: told }) => unequal(`metrics of step ${step}`, told, metrics.get(step))),
    ...ledger.samples.flatMap(({ batch, tokens }) => unequal(`sample from ${batch}`, tokens, samples.get(batch))),
    ...(ledger.happened.has('a taken name was given again') ? ['a checkpoint was replaced unasked'] : []),
  ];
}

/** Failures whose cause is not told, or told where nothing was the matter. */
function unnamed({ interruptions, sideErrors, happened, warnings }: Ledger): string[] {
  const found: string[] = [];
  for (const error of interruptions) {
    if (!warnings.some((line) => line.includes(error.message)))
      found.push(`the log does not tell of: ${error.message}`);
  }
  for (const error of [...interruptions, ...sideErrors]) {
    const cause = error.code === 'training_failed' && error.cause instanceof TinkerError ? error.cause : error;
    if (cause.code === 'checkpoint_exists') continue;
    const excuses = cause.message.endsWith(': by a proxy') ? OUTAGES : (CAUSES[cause.code] ?? []);
    const excused = excuses.some((excuse) => happened.has(excuse) || (excuse === 'any fault' && happened.size > 0));
    if (!excused) found.push(`nothing explains ${cause.code}: ${cause.message}`);
  }
  return found;
}

function tokensOf(step: number): string {
  const [first] = batchOf(step);
  const tokens = first?.modelInput.chunks.flatMap((chunk) => ('tokens' in chunk ? [...chunk.tokens] : [])) ?? [];
  return tokens.slice(0, -1).join(' ');
}

function unequal(what: string, got: unknown, expected: unknown): string[] {
  return got === expected ? [] : [`${what}: expected ${short(expected)}, got ${short(got)}`];
}

function short(value: unknown): string {
  const text = String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
