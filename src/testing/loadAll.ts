import * as evaluation from '../losses/evaluation.js';
import { provideEvaluation } from '../losses/withEvaluation.js';

/** Has at hand what a client else loads at its first use: in virtual time nothing is loaded, and order must not vary. */
export function loadAll(): void {
  provideEvaluation(evaluation);
}
