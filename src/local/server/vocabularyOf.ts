import type { BaseModelInfo, StopTexts } from '../engine/engine.js';
import type { ServerState } from './serverState.js';
import { tokenVocabulary } from './tokenVocabulary.js';

/** What tokens add to a text, read when first asked for. @throws TinkerError as {@link tokenVocabulary}. */
export async function vocabularyOf(state: ServerState, base: BaseModelInfo): Promise<StopTexts['vocabulary']> {
  const vocabulary =
    state.vocabularies.get(base.name) ?? tokenVocabulary(await state.readFile(base.tokenizerFile), base.name);
  state.vocabularies.set(base.name, vocabulary);
  return vocabulary;
}
