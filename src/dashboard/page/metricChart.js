import { colorOf, element, swatch } from './dom.js';
import { linesOf } from './chartLines.js';
import { durationText, numberText } from './words.js';

const { uPlot } = globalThis;

/** One metric of all runs that are shown, as a chart. */
export class MetricChart {
  /** @param zoom Called with what of the steps to show, null for all. */
  constructor(name, zoom) {
    this.name = name;
    this.zoom = zoom;
    this.title = element('h3', {}, name);
    this.values = element('div', { className: 'values' });
    this.place = element('div', { className: 'plot' });
    this.node = element(
      'div',
      { className: 'chart', tabIndex: 0, role: 'figure' },
      element('div', { className: 'head' }, this.title, this.values),
      this.place,
    );
    this.node.addEventListener('keydown', (event) => this.#key(event));
    this.plot = undefined;
    this.shape = '';
  }

  /** Draws what there is; `range` is what of the steps to show. */
  draw(runs, indexOf, settings, range) {
    const { width, height } = this.place.getBoundingClientRect();
    if (width < 50) return;
    this.range = range;
    this.settings = settings;
    this.lines = linesOf(this.name, runs, { ...settings, range, pixels: width });
    const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
    const shape = JSON.stringify([
      this.lines.map(({ run }) => run.id),
      settings.smoothing === 0,
      settings.log,
      settings.across,
      isDark,
    ]);
    const drawn = this.lines.flatMap(({ raw, smooth }) => (smooth === undefined ? [raw] : [raw, smooth]));
    const data = drawn.length === 0 ? [[]] : uPlot.join(drawn.map(({ x, y }) => [x, y]));
    if (shape !== this.shape) {
      this.plot?.destroy();
      this.plot = new uPlot(this.#options(width, height, indexOf), data, this.place);
      this.shape = shape;
    } else {
      if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
      this.plot.setData(data, true);
    }
    this.indexOf = indexOf;
    this.#tell(null);
  }

  #options(width, height, indexOf) {
    const style = getComputedStyle(document.documentElement);
    const axis = {
      stroke: style.getPropertyValue('--quiet'),
      grid: { stroke: style.getPropertyValue('--grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const series = this.lines.flatMap(({ run, smooth }) => {
      const stroke = colorOf(indexOf(run));
      const line = { stroke, width: 2, points: { show: false } };
      return smooth === undefined ? [line] : [{ ...line, width: 1, alpha: 0.28 }, line];
    });
    const isTime = this.settings.across === 'time';
    const seconds = (_, values) => values.map((value) => durationText(value * 1000));
    const numbers = (_, values) => values.map((value) => (value === null ? '' : numberText(value)));
    return {
      width,
      height,
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [this.range.from, this.range.to] },
        y: { distr: this.settings.log ? 3 : 1 },
      },
      series: [{}, ...series],
      axes: [
        { ...axis, values: isTime ? seconds : numbers, size: 28, space: 70 },
        { ...axis, values: numbers, size: 58, space: 34 },
      ],
      cursor: {
        sync: { key: 'metrics', setSeries: false },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        bind: { dblclick: () => () => this.zoom(null) },
      },
      hooks: {
        setCursor: [(plot) => this.#tell(plot.cursor.idx ?? null)],
        setSelect: [
          (plot) => {
            const { left, width: selected } = plot.select;
            if (selected < 4) return;
            const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + selected, 'x')];
            plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            this.zoom({ from, to });
          },
        ],
      },
    };
  }

  /** Writes the values at a place of the chart, the latest without one. */
  #tell(index) {
    if (this.plot === undefined) return;
    const [x = []] = this.plot.data;
    const smooths = this.settings.smoothing !== 0;
    const texts = this.lines.map(({ run }, line) => {
      const column = this.plot.data[smooths ? 2 * line + 2 : line + 1] ?? [];
      let row = index ?? x.length - 1;
      while (row >= 0 && (column[row] === null || column[row] === undefined)) row -= 1;
      return { run, text: numberText(column[row]) };
    });
    const at =
      index === null
        ? ''
        : this.settings.across === 'time'
          ? durationText(x[index] * 1000)
          : `step ${numberText(x[index])}`;
    const parts = texts.map(({ run, text }) =>
      element('span', { title: run.name }, swatch(this.indexOf?.(run) ?? 0), text),
    );
    this.values.replaceChildren(...(at === '' ? [] : [element('span', { className: 'quiet' }, at)]), ...parts);
    const spoken = texts.map(({ run, text }) => `${run.name} ${text}`).join(', ');
    this.node.setAttribute('aria-label', `${this.name} ${at === '' ? 'at last' : `at ${at}`}: ${spoken}`);
  }

  #key(event) {
    const { plot, range } = this;
    if (plot === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const width = range.to - range.from;
    const towards = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (towards !== undefined && event.shiftKey) {
      this.zoom({ from: range.from + (towards * width) / 4, to: range.to + (towards * width) / 4 });
    } else if (towards !== undefined) {
      const [x] = plot.data;
      const before = plot.cursor.idx ?? (towards > 0 ? -1 : x.length);
      const index = Math.min(x.length - 1, Math.max(0, before + towards));
      plot.setCursor({ left: plot.valToPos(x[index], 'x'), top: plot.over.clientHeight / 2 });
    } else if (event.key === '+' || event.key === '=') {
      this.zoom({ from: range.from + width / 4, to: range.to - width / 4 });
    } else if (event.key === '-') {
      this.zoom({ from: range.from - width / 2, to: range.to + width / 2 });
    } else if (event.key === '0' || event.key === 'Escape') {
      this.zoom(null);
    } else return;
    event.preventDefault();
  }
}
