// Checks the package as its users get it: the packed files, its entries and types, an install into an empty folder.
import * as fs from 'node:fs';
import path from 'node:path';
import { newcomer } from './newcomer.mjs';
import { browserSizes } from './size.mjs';
import { Report, root, run, temporaryFolder } from './tools.mjs';

const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));
const specifiers = entries.map((entry) => path.posix.join(manifest.name, entry));
const report = new Report();

async function check(name, command, args, options) {
  const { status, output, stdout, seconds } = await run(command, args, options);
  if (status === 0) report.pass(name, seconds);
  else report.fail(name, output);
  return stdout;
}

const bin = (name) => path.join(root, 'node_modules/.bin', name);
const work = temporaryFolder();

await check('publint', bin('publint'), ['--strict']);

const packOutput = await check('npm pack', 'npm', ['pack', '--json', '--pack-destination', work]);
const [packed] = JSON.parse(packOutput);
const tarball = path.join(work, packed.filename);
const size = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
console.log(
  `${packed.filename}: ${size(packed.size)} packed, ${size(packed.unpackedSize)} unpacked, ${packed.entryCount} files`,
);

const expected = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|(dist\/)?(src|operators)\/.+|dist\/node\/.+)$/;
const unexpected = /(^|\/)(test|examples|fixtures|node_modules)\/|\.tsbuildinfo$|\.tmp$|\.test\./;
const paths = packed.files.map((file) => file.path);
const strangers = paths.filter((file) => !expected.test(file) || unexpected.test(file));
if (strangers.length === 0) report.pass('only the library is packed');
else report.fail('files that are no part of the library', strangers.join('\n'));

const wanted = [
  'LICENSE',
  'README.md',
  ...Object.values(manifest.bin),
  ...Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  ),
].map((file) => path.posix.normalize(file));
const missing = wanted.filter((file) => !paths.includes(file));
if (missing.length === 0) report.pass('every entry is packed');
else report.fail('entries that are not packed', missing.join('\n'));

await check('attw', bin('attw'), [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii']);

const home = path.join(work, 'consumer');
fs.mkdirSync(home);
fs.writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
await check(
  'npm install into an empty folder',
  'npm',
  [
    ...['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'],
    ...[tarball, `rxjs@${manifest.devDependencies.rxjs}`],
  ],
  { cwd: home },
);

const installed = path.join(home, 'node_modules', manifest.name);
const own = fs.existsSync(installed) ? fs.readdirSync(installed, { recursive: true, withFileTypes: true }) : [];
const local = own
  .filter((entry) => entry.isFile())
  .map((entry) => path.join(entry.parentPath, entry.name))
  .filter((file) => fs.readFileSync(file).includes(root));
if (local.length === 0) report.pass('no path of this machine is packed');
else report.fail('files that name a path of this machine', local.join('\n'));

fs.writeFileSync(
  path.join(home, 'smoke.mjs'),
  specifiers
    .map(
      (name) => `{ const names = Object.keys(await import('${name}'));
if (names.length === 0) throw new Error('${name} exports nothing');
console.log('${name}', names.length, 'exports'); }`,
    )
    .join('\n'),
);
console.log(
  (await check('import of each entry', process.execPath, ['smoke.mjs'], { cwd: home, limitSeconds: 60 })).trimEnd(),
);

// What a page loads at once; tokenizers, zstd, downloads and custom losses come when they are needed.
const mostKilobytes = { esbuild: 76, rolldown: 63 };
const sizes = await browserSizes(`export { ServiceClient } from '${manifest.name}';`, home);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const [bundler, { first, total, packages }] of Object.entries(sizes)) {
  const parts = Object.entries(packages).sort(([, a], [, b]) => b - a);
  console.log(
    `import { ServiceClient } by ${bundler}: ${kilobytes(first.minified)} minified, ${kilobytes(first.gzipped)} gzipped;` +
      ` ${kilobytes(total.gzipped)} with all that may be loaded later`,
  );
  if (parts.length > 0)
    console.log(`  minified: ${parts.map(([name, bytes]) => `${name} ${kilobytes(bytes)}`).join(', ')}`);
  const most = mostKilobytes[bundler];
  if (first.gzipped <= most * 1000) report.pass(`a page bundled by ${bundler} loads at most ${most} kB`);
  else report.fail(`a page bundled by ${bundler} loads more than ${most} kB`, kilobytes(first.gzipped));
}

const settings = {
  module: 'NodeNext',
  // With no `lib` named: what the declarations need beyond it they say themselves.
  target: 'ES2022',
  types: [],
  strict: true,
  noEmit: true,
  skipLibCheck: false,
};
fs.writeFileSync(
  path.join(home, 'tsconfig.json'),
  JSON.stringify({ compilerOptions: settings, files: ['consumer.ts'] }),
);
fs.writeFileSync(
  path.join(home, 'consumer.ts'),
  specifiers.map((name, index) => `import * as entry${index} from '${name}';\nconsole.log(entry${index});\n`).join(''),
);
await check('types of each entry', bin('tsc'), ['-p', '.'], { cwd: home });

const [command] = Object.keys(manifest.bin);
const version = await check(`npx ${command} --version`, 'npx', ['--no-install', command, '--version'], {
  cwd: home,
  limitSeconds: 60,
});
if (version.trim() === manifest.version) report.pass('the command prints the version of the package');
else report.fail('the command prints another version', `expected ${manifest.version}, got ${version}`);

// With what computes fast; it fetches nothing more at its install.
await check(
  'npm install onnxruntime-node',
  'npm',
  [
    ...['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'],
    `onnxruntime-node@${manifest.devDependencies['onnxruntime-node']}`,
  ],
  { cwd: home },
);
await newcomer(home, report);

report.end('package');
