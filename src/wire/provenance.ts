import { invalidArgument } from '../errors.js';
import { checkNumber } from './checkNumber.js';

/** A run of positions and the tokens of a sample's prompt, or of the sample itself, that stand there. */
export interface ProvenanceSpan {
  /** Whether the tokens were in the prompt of the sample or were drawn. */
  readonly from: 'prompt' | 'sample';
  /** `sequenceId` of a sampled sequence. */
  readonly sequenceId: string;
  /** Where the run starts there; default 0. */
  readonly offset?: number;
  /** Positions. */
  readonly length: number;
}

/** Where the tokens of a datum come from, for losses that need it (`stable_reinforce`): runs without gaps, in order. */
export interface Provenance {
  /** Of the tokens of the model input. */
  readonly modelInput: readonly ProvenanceSpan[];
  /** Of the target tokens. */
  readonly targetTokens: readonly ProvenanceSpan[];
}

/**
 * Checks that runs cover all tokens.
 *
 * @param lengths - Of the model input, and of the target tokens where they have one axis.
 * @throws TinkerError `invalid_argument`
 */
export function checkProvenance(
  { modelInput, targetTokens }: Provenance,
  lengths: { readonly modelInput: number; readonly targetTokens: number | undefined },
  path: string,
): void {
  checkSpans(modelInput, lengths.modelInput, `${path}.modelInput`);
  checkSpans(targetTokens, lengths.targetTokens, `${path}.targetTokens`);
}

function checkSpans(spans: readonly ProvenanceSpan[], length: number | undefined, path: string): void {
  if (!Array.isArray(spans)) throw invalidArgument(`an array of spans in ${path}`, spans);
  spans.forEach((span: ProvenanceSpan, index) => {
    const place = `${path}[${index}]`;
    const kinds: readonly string[] = ['prompt', 'sample'];
    if (!kinds.includes(span.from)) throw invalidArgument(`prompt or sample in ${place}.from`, span.from);
    if (typeof span.sequenceId !== 'string' || span.sequenceId === '')
      throw invalidArgument(`the sequenceId of a sample in ${place}`, span.sequenceId);
    checkNumber(`${place}.offset`, span.offset ?? 0, { integer: true, min: 0 });
    checkNumber(`${place}.length`, span.length, { integer: true, min: 0 });
  });
  let covered = 0;
  for (const span of spans as readonly ProvenanceSpan[]) covered += span.length;
  if (length !== undefined && covered !== length)
    throw invalidArgument(`${path} to cover ${length} positions`, covered);
}
