import { byId, element, setText, swatch } from './dom.js';

const shownPrompts = 6;
const groups = new Map();
const more = element('p', { className: 'quiet' });

/** The texts that each run wrote for each prompt: the latest, with a slider back to the earlier ones. */
export function showSamples(runs, indexOf) {
  const panel = byId('samples');
  const byPrompt = new Map();
  for (const run of runs) {
    for (const sample of run.samples) {
      const key = JSON.stringify([run.id, sample.prompt]);
      if (!byPrompt.has(key)) byPrompt.set(key, { run, samples: [] });
      byPrompt.get(key).samples.push(sample);
    }
  }
  panel.hidden = byPrompt.size === 0;
  if (panel.hidden) return;
  if (panel.children.length === 0) panel.append(element('h2', {}, 'Samples'), more);
  const shown = [...byPrompt].slice(-shownPrompts);
  for (const [key, { node }] of groups) {
    if (shown.some(([one]) => one === key)) continue;
    node.remove();
    groups.delete(key);
  }
  for (const [key, { run, samples }] of shown) {
    if (!groups.has(key)) {
      groups.set(key, new SampleGroup(samples[0].prompt, indexOf(run)));
      panel.insertBefore(groups.get(key).node, more);
    }
    groups.get(key).show(samples);
  }
  const left = byPrompt.size - shown.length;
  setText(more, left === 0 ? '' : `Of ${left} other prompts there are samples too.`);
}

class SampleGroup {
  constructor(prompt, index) {
    this.text = element('blockquote', { tabIndex: 0 });
    this.label = element('span');
    this.slider = element('input', { type: 'range', min: 1, step: 1, ariaLabel: 'Which of the samples to show' });
    this.slider.addEventListener('input', () => this.show(this.samples));
    this.walk = element('div', { className: 'walk' }, this.slider, this.label);
    const asked = element(
      'p',
      { className: 'prompt' },
      swatch(index),
      element('span', {}, prompt || 'without a prompt'),
    );
    this.node = element('div', { className: 'sample' }, asked, this.text, this.walk);
  }

  show(samples) {
    const before = this.samples?.length ?? 0;
    const atEnd = Number(this.slider.value) >= before;
    this.samples = samples;
    this.slider.max = samples.length;
    if (before !== samples.length && (before === 0 || atEnd)) this.slider.value = samples.length;
    const chosen = Number(this.slider.value);
    const { text, step } = samples[chosen - 1] ?? samples[samples.length - 1];
    setText(this.text, text === '' ? '(nothing)' : text);
    setText(this.label, `${step === undefined ? '' : `step ${step}, `}${chosen} of ${samples.length}`);
    this.slider.hidden = samples.length === 1;
  }
}
