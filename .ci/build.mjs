// Compiles the tree into dist/, copies the data that the code reads at run time, and bundles the package for Node.
// Usage: node .ci/build.mjs [--allow-type-errors]
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');
const state = path.join(dist, '.build');
const stampFile = path.join(state, 'stamp.json');
const buildInfoFile = path.join(state, 'tsbuildinfo');
const lockFile = path.join(state, 'lock');

const compiledFolders = ['src', 'operators', 'examples', 'test'];
const nodeFolder = 'dist/node';
const isDeclaration = (file) => file.endsWith('.d.ts');
const isData = (file) =>
  /^src\/.*\.(json|txt|html|bin|css|js|svg|safetensors)$/.test(file) &&
  !/^(package.*|tsconfig.*)\.json$/.test(path.basename(file));
const settings = [
  'tsconfig.json',
  'package.json',
  '.ci/build.mjs',
  '.ci/bundle.mjs',
  'node_modules/typescript/package.json',
];

function filesUnder(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(fs.readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

function outputsOf(file) {
  if (isDeclaration(file)) return [];
  if (isData(file)) return [`dist/${file}`];
  const stem = `dist/${file.slice(0, -'.ts'.length)}`;
  return [`${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`];
}

/** A reader sees the old file or the new one, never half of it. */
function writeAtomically(file, content) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(temporary, content);
  fs.renameSync(temporary, file);
}

function readStamp() {
  try {
    return JSON.parse(fs.readFileSync(stampFile, 'utf8'));
  } catch {
    return undefined;
  }
}

function isHeldByLivingProcess() {
  try {
    process.kill(Number(fs.readFileSync(lockFile, 'utf8')), 0);
    return true;
  } catch (error) {
    // ESRCH: its process ended without unlocking. ENOENT: it was unlocked just now.
    return error.code !== 'ESRCH' && error.code !== 'ENOENT';
  }
}

/** Runs `work` while no other build does. */
async function locked(work) {
  fs.mkdirSync(state, { recursive: true });
  for (;;) {
    try {
      // A link appears with its content in one step, so that nobody reads an empty lock.
      const mine = `${lockFile}.${process.pid}`;
      fs.writeFileSync(mine, String(process.pid));
      try {
        fs.linkSync(mine, lockFile);
      } finally {
        fs.rmSync(mine);
      }
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isHeldByLivingProcess()) fs.rmSync(lockFile, { force: true });
      else await sleep(50);
    }
  }
  try {
    return await work();
  } finally {
    fs.rmSync(lockFile, { force: true });
  }
}

async function compile(sources) {
  const { default: ts } = await import('typescript');
  const config = ts.getParsedCommandLineOfConfigFile(
    path.join(root, 'tsconfig.json'),
    { noEmit: false, incremental: true, tsBuildInfoFile: buildInfoFile },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(String(diagnostic.messageText));
      },
    },
  );
  const host = ts.createIncrementalCompilerHost(config.options);
  host.writeFile = (file, text) => writeAtomically(file, text);
  const program = ts.createIncrementalProgram({
    rootNames: sources.map((file) => path.join(root, file)),
    options: config.options,
    configFileParsingDiagnostics: config.errors,
    host,
  });
  const diagnostics = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSemanticDiagnostics(),
    ...program.emit().diagnostics,
  ];
  return ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(diagnostics), {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => root,
    getNewLine: () => '\n',
  });
}

/** Bundles the entries that package.json has for Node, and the command; returns the files. */
async function bundleForNode() {
  const { exports, bin } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const entries = Object.fromEntries([
    ...Object.values(exports)
      .filter(({ node }) => node !== undefined)
      .map(({ node, default: unbundled }) => [path.basename(node, '.js'), path.join(root, unbundled)]),
    ...Object.values(bin).map((file) => [path.basename(file, '.js'), path.join(root, 'dist/src/cli/main.js')]),
  ]);
  const files = await bundle(entries, path.join(root, nodeFolder));
  for (const { path: file, contents } of files) writeAtomically(file, contents);
  return files.map((file) => path.relative(root, file.path).replaceAll('\\', '/'));
}

function removeStale(expected) {
  for (const folder of [...compiledFolders, path.basename(nodeFolder)]) {
    const output = path.join(dist, folder);
    for (const file of filesUnder(output)) {
      if (!expected.has(file)) fs.rmSync(path.join(root, file));
    }
    removeEmptyFolders(output);
  }
}

function removeEmptyFolders(folder) {
  if (!fs.existsSync(folder)) return;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(path.join(folder, entry.name));
  }
  if (fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
}

/** Builds what changed and returns the type errors, '' where there are none. */
async function build() {
  const inputs = compiledFolders
    .flatMap((folder) => filesUnder(path.join(root, folder)))
    .filter((file) => file.endsWith('.ts') || isData(file));
  const mark = fingerprint([...settings, ...inputs]);
  const outputs = inputs.flatMap(outputsOf);
  const stamp = readStamp();
  const complete = [...outputs, ...(stamp?.bundled ?? [])].every((file) => fs.existsSync(path.join(root, file)));
  if (complete && stamp?.mark === mark) return stamp.errors;

  fs.rmSync(stampFile, { force: true });
  // What the last build made and somebody removed would not be written again incrementally.
  if (!stamp?.outputs.every((file) => fs.existsSync(path.join(root, file)))) {
    fs.rmSync(buildInfoFile, { force: true });
  }
  const errors = await compile(inputs.filter((file) => !isData(file)));
  for (const file of inputs.filter(isData)) {
    writeAtomically(path.join(dist, file), fs.readFileSync(path.join(root, file)));
  }
  const bundled = await bundleForNode().catch((error) => {
    // What has type errors may not fit together either; the last bundle stays.
    if (errors === '') throw error;
    return stamp?.bundled ?? [];
  });
  removeStale(new Set([...outputs, ...bundled]));
  for (const command of ['src/cli/main.js', 'node/cli.js']) fs.chmodSync(path.join(dist, command), 0o755);
  writeAtomically(stampFile, JSON.stringify({ mark, errors, outputs, bundled }));
  return errors;
}

const errors = await locked(build);
if (errors !== '' && process.argv.includes('--allow-type-errors')) {
  process.stderr.write('Built in spite of type errors: npm run check:types shows them.\n');
} else if (errors !== '') {
  process.stderr.write(errors);
  process.exitCode = 1;
}
