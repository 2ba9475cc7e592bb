import type { QueueState } from '../../clients/operationProgress.js';
import type { CommandContext } from '../commandContext.js';
import { duration } from '../output/quantities.js';
import { style } from '../output/style.js';

/** A step that is done. */
export interface StepShown {
  readonly step: number;
  /** Nats a token. */
  readonly loss: number;
  readonly tokens: number;
  readonly learningRate: number;
  readonly testLoss?: number;
}

const BAR = 20;
const SHORTEST_BAR = 5;
const WINDOW = 10;
/** Plain lines of a whole run. */
const LINES = 20;

/** Shows how a run goes: a bar on a terminal, plain lines elsewhere, JSON lines where they are asked for. */
export class TrainProgress {
  private readonly recent: { readonly tokens: number; readonly since: number }[] = [];
  private before = performance.now();
  private done: number;
  private text = '';
  private queue: QueueState = { state: 'active' };

  constructor(
    private readonly context: CommandContext,
    private readonly steps: number,
    private readonly startStep: number,
  ) {
    this.done = startStep;
  }

  /** Tells something that happened. */
  event(type: string, values: Readonly<Record<string, unknown>>, text?: string): void {
    const { format, stdout } = this.context;
    if (format === 'json') stdout.write(`${JSON.stringify({ event: type, ...values })}\n`);
    else if (text !== undefined) this.context.notice(text);
  }

  step({ step, loss, tokens, learningRate, testLoss }: StepShown): void {
    this.done = step + 1;
    const now = performance.now();
    this.recent.push({ tokens, since: this.before });
    if (this.recent.length > WINDOW) this.recent.shift();
    this.before = now;
    const seconds = (now - (this.recent[0]?.since ?? now)) / 1000;
    const speed = this.recent.reduce((sum, one) => sum + one.tokens, 0) / seconds;
    const left = ((this.steps - this.done) * seconds) / this.recent.length;
    const rounded = { step, loss, tokens_per_second: Math.round(speed), seconds_left: Math.round(left) };
    const test = testLoss === undefined ? {} : { test_nll: testLoss };
    this.event('step', { ...rounded, learning_rate: learningRate, ...test });
    if (this.context.format === 'json') return;
    const numbers = `loss ${loss.toFixed(3)}  ${speed.toFixed(0)} tokens/s  ${duration(left)} left`;
    this.text = numbers;
    if (this.context.live.isLive) this.draw();
    else if (this.isShown(step)) this.line(`step ${this.count()}  ${numbers}`);
    if (testLoss !== undefined) this.line(`test loss ${testLoss.toFixed(3)} after step ${this.done}`);
  }

  /** Shows why the server does not work on the model, in plain words. */
  queueState(state: QueueState): void {
    if (state.state === this.queue.state) return;
    this.queue = state;
    const words = queueWords(state);
    this.event('queue', { state: state.state, ...(state.reason !== undefined && { reason: state.reason }) });
    if (this.context.live.isLive) this.draw();
    else if (this.context.format === 'table') this.line(words === '' ? 'the server works on it again' : words);
  }

  /** Leaves the bar as it is. */
  end(): void {
    this.context.live.end();
  }

  private line(text: string): void {
    this.context.notice(text);
  }

  private isShown(step: number): boolean {
    const every = Math.max(1, Math.round(this.steps / LINES));
    return this.done % every === 0 || step === this.startStep || this.done === this.steps;
  }

  private count(): string {
    return `${String(this.done).padStart(String(this.steps).length)}/${this.steps}`;
  }

  private draw(): void {
    const { live, quiet, stderr, format } = this.context;
    if (quiet || format === 'json') return;
    const words = queueWords(this.queue);
    const before = `step ${this.count()}  `;
    const after = `${this.text}${words === '' ? '' : `  ${words}`}`;
    // Where the terminal is narrow the numbers come first.
    const room = (stderr.columns ?? 80) - before.length - after.length - 3;
    live.update(room < SHORTEST_BAR ? `${before}${after}` : `${before}${this.bar(Math.min(BAR, room))}  ${after}`);
  }

  private bar(length: number): string {
    const { stderr } = this.context;
    const full = Math.round((this.done / this.steps) * length);
    return style(stderr, 'cyan', '━'.repeat(full)) + style(stderr, 'dim', '─'.repeat(length - full));
  }
}

function queueWords({ state, reason }: QueueState): string {
  const why = reason === undefined ? '' : ` (${reason})`;
  switch (state) {
    case 'active':
      return '';
    case 'paused_capacity':
      return `waiting: the server is full${why}`;
    case 'paused_rate_limit':
      return `waiting: too many models at once${why}`;
    case 'unknown':
      return `waiting for the server${why}`;
  }
}
