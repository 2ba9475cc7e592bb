// Checks what the documents say: every ```ts snippet of the Markdown files and every TSDoc @example of src/ and
// operators/ is type-checked and run against the embedded server; ```sh snippets are run; relative links lead somewhere.
//
// A snippet leaves out what every snippet would repeat. A name that it neither declares nor imports comes, in this
// order, from the example's own file, the package's entries, the index files above the example, rxjs and rxjs/testing,
// or `given`.
// ```ts no-run is only type-checked: for what needs the hosted service or never ends.
// Usage: node .ci/docs.mjs [part of a file's path]
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { examplesOf, fences } from './snippets.mjs';
import { cleanEnvironment, eachOf, Report, root, run, temporaryFolder } from './tools.mjs';

const limitSeconds = 60;
const output = path.join(root, 'dist/docs');
const filter = process.argv[2] ?? '';

/** What a snippet may use without saying where it comes from. */
const given = {
  baseUrl: "export const baseUrl = process.env.TINKER_BASE_URL ?? '';",
  apiKey: "export const apiKey = process.env.TINKER_API_KEY ?? '';",
  service: 'export const service = new ServiceClient();',
  baseModel: `const { supportedModels } = await service.getServerCapabilities().result();
    export const baseModel = supportedModels[0]?.modelName ?? 'none';`,
  training: 'export const training = await service.createLoraTrainingClient({ baseModel, rank: 8 }).result();',
  sampling: 'export const sampling = await training.saveWeightsAndGetSamplingClient().result();',
  prompt: 'export const prompt = ModelInput.fromTokens([1, 2, 3]);',
  data: 'export const data = [{ modelInput: ModelInput.fromTokens([1, 2, 3, 4, 5]), lossFnInputs: {} }];',
  batches: 'export const batches = [data, data, data];',
  assert: "export { strict as assert } from 'node:assert';",
};

/** Shell lines that are not run, and why. */
const unsafe = [
  [/^(npm ci|npm start|npm test)\b/, 'a step of .ci/run'],
  [/^npm run /, 'a step of .ci/run or a bench'],
  [/^npm install /, 'the install is checked by check:package'],
  [/^git clone /, 'the clone is here'],
  [/\brxtinker (serve|watch)\b/, 'does not end by itself; tests start it'],
  [/\bTINKER_API_KEY=/, 'needs a key of the hosted service'],
];

const markdown = ['README.md', 'CONTRIBUTING.md', 'examples/README.md'].filter((file) =>
  fs.existsSync(path.join(root, file)),
);
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');
const report = new Report();

function sources() {
  return ['src', 'operators'].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true })
      .map((file) => path.posix.join(folder, file.replaceAll('\\', '/')))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('_pb.ts'))
      .sort(),
  );
}

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile).config,
  ts.sys,
  root,
);
Object.assign(options, { rootDir: output, outDir: output, incremental: false, declaration: false });
delete options.tsBuildInfoFile;

const entries = ['index', 'operators', 'local', 'testing', 'training'].map((entry) => ({
  specifier: entry === 'index' ? 'rxtinker' : `rxtinker/${entry}`,
  types: entry === 'operators' ? 'operators/index' : entry === 'index' ? 'src/index' : `src/${entry}/index`,
}));
const declaration = (module) => path.join(root, 'dist', `${module}.d.ts`);

/** Where a snippet of `file` finds undeclared names: modules in order, as specifier and declaration file. */
function modulesFor(file) {
  const parts = file.slice(0, -path.extname(file).length).split('/');
  const indexes = parts.map((_, depth) => [...parts.slice(0, depth), 'index'].join('/')).reverse();
  const internal = (module) => ({ specifier: `../${module}.js`, types: module });
  return [internal(parts.join('/')), ...entries, ...indexes.map(internal), ...rxjs].filter(
    ({ types }) => types === undefined || fs.existsSync(declaration(types)),
  );
}

const snippets = [
  ...markdown.flatMap((file) => fences(read(file)).map((fence) => ({ ...fence, file }))),
  ...sources().flatMap((file) => examplesOf(file, read(file)).map((example) => ({ ...example, file }))),
]
  .filter(({ language, file }) => language === 'ts' && file.includes(filter))
  .map((snippet) => ({
    ...snippet,
    title: `${snippet.file}:${snippet.line}`,
    name: `${snippet.file.replace(/\.\w+$/, '').replaceAll('/', '-')}-${snippet.line}`,
  }));
const givens = Object.entries(given).map(([name, code]) => ({
  name,
  code,
  file: 'given',
  line: 1,
  title: `given ${name}`,
}));

const pathOf = ({ name }) => path.join(output, `${name}.ts`);
const rxjs = ['rxjs', 'rxjs/testing'].map((specifier) => ({
  specifier,
  probe: path.join(output, `${specifier.replace('/', '-')}-probe.ts`),
}));

function write(snippet) {
  // The imports stand on one line before the code, so that line n of the code is line n + 1 of the file.
  fs.writeFileSync(pathOf(snippet), `${(snippet.imports ?? []).join(' ')} export {};\n${snippet.code}\n`);
}

function describe(snippet, diagnostic) {
  const { line } = ts.getLineAndCharacterOfPosition(diagnostic.file, diagnostic.start);
  return `${snippet.file}:${snippet.line + line - 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`;
}

/** The names that a snippet uses and nobody declares. */
function undeclared(program, snippet) {
  const unknown = new Set([2304, 2552, 2582, 2503, 18004]);
  const diagnostics = program.getSemanticDiagnostics(program.getSourceFile(pathOf(snippet)));
  return new Set(
    diagnostics
      .filter(({ code }) => unknown.has(code))
      .map(({ file, start, length }) => file.text.slice(start, start + length)),
  );
}

function exportsOf(program, checker, file) {
  const source = program.getSourceFile(file);
  const symbol = source && checker.getSymbolAtLocation(source);
  return new Map((symbol ? checker.getExportsOfModule(symbol) : []).map((item) => [item.name, item]));
}

function addImports(program) {
  const checker = program.getTypeChecker();
  const known = new Map();
  const exportsFor = ({ types, probe }) => {
    const file = probe ?? declaration(types);
    if (!known.has(file)) known.set(file, exportsOf(program, checker, file));
    return known.get(file);
  };
  const targetOf = (module, name) => {
    const symbol = exportsFor(module).get(name);
    return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  };
  for (const snippet of [...givens, ...snippets]) {
    snippet.imports = [...undeclared(program, snippet)].flatMap((name) => {
      const found = modulesFor(snippet.file).find((candidate) => exportsFor(candidate).has(name));
      if (found) {
        const target = targetOf(found, name);
        // What a user imports: the file of a class has another copy of it than the bundled entry.
        const module = entries.find((entry) => targetOf(entry, name) === target) ?? found;
        const kind = target.flags & ts.SymbolFlags.Value ? '' : 'type ';
        return [`import ${kind}{ ${name} } from '${module.specifier}';`];
      }
      return name in given ? [`import { ${name} } from './${name}.js';`] : [];
    });
    write(snippet);
  }
}

/** Writes, type-checks and compiles all snippets; returns those that can be run. */
function compile() {
  fs.rmSync(output, { recursive: true, force: true });
  fs.mkdirSync(output, { recursive: true });
  for (const { specifier, probe } of rxjs) fs.writeFileSync(probe, `export * from '${specifier}';\n`);
  const all = [...givens, ...snippets];
  all.forEach(write);
  const files = all.map(pathOf);
  const modules = [...new Set(all.flatMap(({ file }) => modulesFor(file)).flatMap(({ types }) => types ?? []))];
  const names = ts.createProgram([...files, ...rxjs.map(({ probe }) => probe), ...modules.map(declaration)], options);
  addImports(names);
  const program = ts.createProgram(files, options, undefined, names);
  program.emit();
  const isGood = (snippet) => {
    const source = program.getSourceFile(pathOf(snippet));
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    if (problems.length > 0)
      report.fail(snippet.title, problems.map((problem) => describe(snippet, problem)).join('\n'));
    return problems.length === 0;
  };
  givens
    .filter(({ name }) => snippets.some(({ imports }) => imports.some((line) => line.includes(`'./${name}.js'`))))
    .forEach(isGood);
  return snippets.filter(isGood);
}

/** Starts `rxtinker serve` on a free port; resolves with its address. */
function serve(home) {
  const main = path.join(root, 'dist/src/cli/main.js');
  const server = spawn(process.execPath, [main, 'serve', '--data-dir', path.join(home, 'data')], {
    env: cleanEnvironment(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.on('exit', () => server.kill());
  return new Promise((resolve, reject) => {
    let text = '';
    server.stderr.on('data', (chunk) => (text += chunk));
    server.stdout.on('data', (chunk) => {
      text += chunk;
      const [, address] = /listening on (http:\S+)/.exec(text) ?? [];
      if (address) resolve({ address, server });
    });
    server.on('exit', (status) => reject(new Error(`rxtinker serve ended with status ${status}: ${text}`)));
  });
}

async function runSnippets(runnable) {
  const home = temporaryFolder();
  const { address, server } = await serve(home);
  const env = { ...cleanEnvironment(home), TINKER_BASE_URL: address, TINKER_API_KEY: 'tml-docs' };
  const offline = path.join(root, '.ci/offline.mjs');
  await eachOf(runnable, 2, async (snippet) => {
    const result = await run(
      process.execPath,
      ['--enable-source-maps', '--import', offline, pathOf(snippet).replace(/ts$/, 'js')],
      { cwd: home, env, limitSeconds },
    );
    if (result.status === 0) report.pass(snippet.title, result.seconds);
    else report.fail(`${snippet.title}: status ${result.status}`, result.output);
  });
  server.removeAllListeners('exit');
  server.kill();
}

async function runShell() {
  for (const file of markdown.filter((name) => name.includes(filter))) {
    for (const { language, code, line } of fences(read(file))) {
      if (language !== 'sh') continue;
      for (const command of code.split('\n').filter((text) => text.trim() !== '' && !text.startsWith('#'))) {
        const title = `${file}:${line}: ${command}`;
        const [, reason] = unsafe.find(([pattern]) => pattern.test(command)) ?? [];
        const [, script] = /npm run ([\w:]+)/.exec(command) ?? [];
        if (script && !(script in JSON.parse(read('package.json')).scripts)) report.fail(title, 'no such script');
        else if (reason) console.log(`skip  ${title} (${reason})`);
        else {
          const { status, output: text, seconds } = await run('bash', ['-euo', 'pipefail', '-c', command]);
          if (status === 0) report.pass(title, seconds);
          else report.fail(title, text);
        }
      }
    }
  }
}

function checkLinks() {
  for (const file of markdown.filter((name) => name.includes(filter))) {
    const targets = [...read(file).matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, target]) => target);
    const dead = targets.filter((target) => !fs.existsSync(path.resolve(root, path.dirname(file), target)));
    if (dead.length > 0) report.fail(`${file}: links`, dead.join('\n'));
    else report.pass(`${file}: ${targets.length} links`);
  }
}

checkLinks();
const good = compile();
const runnable = good.filter(({ flags }) => !flags.includes('no-run'));
console.log(`${good.length} snippets of ${snippets.length} type-check, ${runnable.length} are to be run`);
if (runnable.length > 0) {
  await runSnippets(runnable).catch((error) => report.fail('running the snippets', String(error)));
}
await runShell();
report.end('docs');
