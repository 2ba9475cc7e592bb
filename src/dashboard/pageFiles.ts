import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

// The page's modules are compiled: from the sources the compiled ones are taken.
const folder = fileURLToPath(
  import.meta.url.endsWith('.ts')
    ? new URL('../../dist/src/dashboard/page/', import.meta.url)
    : new URL('./page/', import.meta.url),
);

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const own = [
  ...['index.html', 'style.css', 'icon.svg', 'page.js', 'dom.js', 'words.js'],
  ...['connection.js', 'settings.js', 'runTable.js', 'charts.js', 'metricChart.js', 'chartLines.js'],
  ...['lanePanel.js', 'samplesPanel.js', 'checkpointsPanel.js', 'notices.js'],
  ...['metricColumns.js', 'runHistory.js', 'runHistories.js', 'smoothedSeries.js', 'downsample.js', 'throughputOf.js'],
];

/** Every file of the page by its path on the server, `/` for the page itself; nothing else can be asked for. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const charts = path.dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const files: (readonly [string, string])[] = [
    ['/', path.join(folder, 'index.html')],
    ...own.map((name) => [`/${name}`, path.join(folder, name)] as const),
    ['/uPlot.js', path.join(charts, 'dist/uPlot.iife.min.js')],
    ['/uPlot.css', path.join(charts, 'dist/uPlot.min.css')],
  ];
  return new Map(
    files.map(([url, file]) => [url, { type: types[path.extname(file)] ?? '', body: readFileSync(file) }]),
  );
}
