// Fails on what does not belong into the repository: machine paths, skipped tests, loose ends, overlong files.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { Report, root } from './tools.mjs';

const topLevel = new Set([
  ...['src', 'operators', 'test', 'examples', '.ci', 'README.md', 'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'vitest.config.ts', 'eslint.config.mjs', 'buf.yaml'],
  ...['buf.gen.yaml', '.dependency-cruiser.cjs', '.prettierrc.json', '.prettierignore', '.gitignore'],
  ...['.gitattributes', '.npmrc'],
]);

/** Longer than 300 lines with a reason: path, limit. */
const longer = new Map([
  // The whole model in one read.
  ['src/local/engine/model.ts', 400],
]);

const inLibrary = (file) => /^(src|operators)\/.*\.ts$/.test(file) && !file.endsWith('_pb.ts');
const isCode = (file) => /\.(ts|js|mjs|cjs|py)$|^\.ci\/run$/.test(file) && !file.endsWith('_pb.ts');
const isTest = (file) => /^(test|examples)\/.*\.ts$/.test(file);
const isOwnWriting = (file) => !/^test\/fixtures\/|^src\/local\/models\/.*\.(txt|json)$|_pb\.ts$/.test(file);

/** Lines that break a rule with a reason: path, a part of the line. */
const excepted = new Map([
  // In the published types an optional peer that is not installed becomes any, not an error in the user's compiler.
  ['src/losses/tfjs.ts', '/** @ts-ignore '],
]);

/** A rule: which files, what must not be on a line, and what to say. This file holds the patterns, so it is exempt. */
const rules = [
  [
    (file) => file === 'package-lock.json',
    /"resolved": "http/,
    'the lock file names a registry: npm install rewrites it',
  ],
  [isOwnWriting, /(^|[^\w.~/-])\/(work|root|home)\//, 'a path of one machine'],
  [isOwnWriting, /(^|[^\w.~/-])\/tmp\/\w/, 'a path of one machine: use os.tmpdir()'],
  [isTest, /\b(describe|suite|it|test|bench)\.(only|skip|todo)\b|\.(skipIf|runIf)\(/, 'a test that is left out'],
  [isCode, /\b(TODO|FIXME|XXX|HACK)\b/, 'a loose end'],
  [inLibrary, /\bas any\b|\bas unknown as\b/, 'a cast that hides a type error'],
  [inLibrary, /@ts-(ignore|nocheck|expect-error)/, 'a type error that is hidden'],
  [isCode, /eslint-disable(?!.* -- )/, 'a lint rule is turned off without a reason (write ` -- why`)'],
];

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && fs.existsSync(path.join(root, file)));

const report = new Report();
for (const file of files) {
  const problems = [];
  if (!topLevel.has(file.split('/')[0])) problems.push('an unexpected entry at the top level');
  const content = fs.readFileSync(path.join(root, file));
  if (!content.includes(0)) {
    const lines = content.toString('utf8').split('\n');
    const limit = longer.get(file) ?? 300;
    if (inLibrary(file) && lines.length - 1 > limit) problems.push(`${lines.length - 1} lines, ${limit} at most`);
    const applying = rules.filter(([applies]) => applies(file) && file !== '.ci/hygiene.mjs');
    lines.forEach((line, index) => {
      for (const [, pattern, problem] of applying) {
        const isExcepted = excepted.has(file) && line.includes(excepted.get(file));
        if (pattern.test(line) && !isExcepted)
          problems.push(`line ${index + 1}: ${problem}: ${line.trim().slice(0, 100)}`);
      }
    });
  }
  if (problems.length > 0) report.fail(file, problems.join('\n'));
}
if (files.length > 0 && process.exitCode === undefined) report.pass(`${files.length} files`);
report.end('hygiene');
