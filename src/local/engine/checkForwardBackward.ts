import { describe, TinkerError } from '../../errors.js';
import type { BaseModelInfo, EngineDatum, EngineTensor, ForwardBackwardJob } from './engine.js';
import { checkCustomPass } from './custom/checkCustomPass.js';
import { losses, type Loss } from './losses.js';

/** The limits that a base model sets to its data. */
export type ModelLimits = Pick<BaseModelInfo, 'vocabularySize' | 'maxContextLength'>;

const targetsName = 'target_tokens';
/** Targets a position. */
const mostColumns = 64;
/** Losses of one target a position: what gspo means over a sequence, and what an uploaded graph reads. */
const oneTarget: ReadonlySet<string> = new Set(['gspo', 'custom']);
/** Losses that clients may ask for and that can't be had. */
const unpublished: ReadonlyMap<string, string> = new Map([['stable_reinforce', 'its formula is not published']]);

const knownInputs: ReadonlySet<string> = new Set(
  Object.values(losses).flatMap((loss) => [
    ...loss.inputs,
    ...Object.keys(loss.optionalInputs),
    ...Object.keys(loss.config),
  ]),
);

/**
 * Checks that a job can be executed.
 *
 * @throws TinkerError `bad_request` that names the datum and the input, what was expected and what came.
 */
export function checkForwardBackward(limits: ModelLimits, job: ForwardBackwardJob): void {
  if (job.data.length === 0) throw refused('at least one datum', 'no data');
  if (job.loss === 'custom') {
    job.data.forEach((datum, index) => {
      checkTargets(limits, job.loss, datum, `data[${String(index)}]`);
    });
    checkCustomPass(job);
    return;
  }
  const loss = findLoss(job.loss);
  checkConfig(job.loss, loss, job.config);
  job.data.forEach((datum, index) => {
    checkDatum(limits, job.loss, loss, datum, `data[${String(index)}]`);
  });
}

/**
 * The loss of a wire name.
 *
 * @throws TinkerError `bad_request` on a name that is none.
 */
export function findLoss(name: string): Loss {
  const loss = Object.hasOwn(losses, name) ? losses[name] : undefined;
  if (loss !== undefined) return loss;
  const why = unpublished.get(name);
  throw refused(
    `a loss of ${Object.keys(losses).join(', ')}`,
    why === undefined ? describe(name) : `${describe(name)}, which this server can't compute, as ${why}`,
  );
}

function checkConfig(name: string, loss: Loss, config: ForwardBackwardJob['config']): void {
  const keys = Object.keys(loss.config);
  const known = keys.length === 0 ? 'no configuration' : `configuration keys of ${keys.join(', ')}`;
  for (const [key, value] of Object.entries(config)) {
    if (!keys.includes(key)) throw refused(`${known} for ${name}`, describe(key));
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw refused(`a finite number for ${key} of ${name}`, describe(value));
  }
  for (const key of keys)
    if (loss.config[key] === undefined && config[key] === undefined)
      throw refused(`${key} in the configuration of ${name}, which has no default`, 'none');
}

function checkDatum(limits: ModelLimits, lossName: string, loss: Loss, datum: EngineDatum, where: string): void {
  checkTargets(limits, lossName, datum, where);
  const { tokens, inputs } = datum;
  checkPresent(inputs, loss.inputs, lossName, where);
  for (const [name, tensor] of Object.entries(inputs)) {
    if (name === targetsName) continue;
    const label = `${name} of ${where}`;
    if (!knownInputs.has(name))
      throw refused(`loss inputs of ${[targetsName, ...knownInputs].join(', ')} in ${where}`, describe(name));
    checkShape(tensor, inputs[targetsName]?.shape ?? [tokens.length], label);
    checkFinite(tensor.data, label);
  }
}

/** What every loss needs: tokens, and as many targets. */
function checkTargets(limits: ModelLimits, lossName: string, { tokens, inputs }: EngineDatum, where: string): void {
  if (tokens.length === 0) throw refused(`at least one token in ${where}`, 'an empty sequence');
  if (tokens.length > limits.maxContextLength)
    throw refused(`at most ${String(limits.maxContextLength)} tokens in ${where}`, String(tokens.length));
  checkTokens(limits, tokens, `the tokens of ${where}`);
  checkPresent(inputs, [targetsName], lossName, where);
  const targets = inputs[targetsName];
  if (targets === undefined) return;
  checkTargetShape(lossName, targets, tokens.length, `${targetsName} of ${where}`);
  checkTokens(limits, targets.data, `${targetsName} of ${where}`);
}

function checkPresent(inputs: EngineDatum['inputs'], names: readonly string[], lossName: string, where: string): void {
  const missing = names.find((name) => inputs[name] === undefined);
  if (missing === undefined) return;
  const present = Object.keys(inputs).join(', ');
  throw refused(`${missing} in the loss inputs of ${where} for ${lossName}`, present === '' ? 'no inputs' : present);
}

/** One target a position, or, where the loss is a sum over them, several. */
function checkTargetShape(lossName: string, { data, shape }: EngineTensor, length: number, label: string): void {
  const one = oneTarget.has(lossName);
  if (shape.length !== 1 && (one || shape.length !== 2))
    throw refused(`${label} to have one axis${one ? ` for ${lossName}` : ' or two'}`, `shape [${shape.join(', ')}]`);
  if (shape[0] !== length || (shape.length === 1 && data.length !== length))
    throw refused(`${label} to be as long as the tokens, ${String(length)}`, String(shape[0]));
  const [, columns = 1] = shape;
  if (columns < 1 || columns > mostColumns)
    throw refused(`1 to ${String(mostColumns)} targets a position in ${label}`, String(columns));
}

function checkShape({ data, shape }: EngineTensor, expected: readonly number[], label: string): void {
  if (shape.length !== expected.length)
    throw refused(
      `${label} to have ${expected.length === 1 ? 'one axis' : 'two axes, as the targets have'}`,
      `shape [${shape.join(', ')}]`,
    );
  if (expected.length === 1 && (shape[0] !== expected[0] || data.length !== expected[0]))
    throw refused(`${label} to be as long as the tokens, ${String(expected[0])}`, String(data.length));
  if (shape.join() !== expected.join())
    throw refused(`${label} to have the shape of the targets, [${expected.join(', ')}]`, `[${shape.join(', ')}]`);
}

function checkTokens({ vocabularySize }: ModelLimits, tokens: Float32Array | Int32Array, label: string): void {
  const bad = tokens.findIndex((token) => !(Number.isInteger(token) && token >= 0 && token < vocabularySize));
  if (bad >= 0)
    throw refused(
      `integers from 0 to ${String(vocabularySize - 1)} as ${label}`,
      `${String(tokens[bad])} at position ${String(bad)}`,
    );
}

function checkFinite(values: Float32Array | Int32Array, label: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw refused(`finite numbers as ${label}`, `${String(values[bad])} at position ${String(bad)}`);
}

function refused(expected: string, got: string): TinkerError {
  return new TinkerError('bad_request', `Expected ${expected}, got ${got}.`);
}
