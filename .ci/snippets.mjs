// Finds the snippets of Markdown files and of TSDoc comments.
import ts from 'typescript';

/** The fenced blocks of a text: language, flags, code, and the line where the code begins, from 1. */
export function fences(text) {
  const lines = text.split('\n');
  const found = [];
  for (let at = 0; at < lines.length; at += 1) {
    const [, info] = /^\s*```(.+)$/.exec(lines[at]) ?? [];
    if (info === undefined) continue;
    const [language, ...flags] = info.trim().split(/\s+/);
    const end = lines.findIndex((line, index) => index > at && /^\s*```\s*$/.test(line));
    if (end < 0) throw new Error(`a block without an end: ${lines[at]}`);
    found.push({ language, flags, code: lines.slice(at + 1, end).join('\n'), line: at + 2 });
    at = end;
  }
  return found;
}

/** The @example blocks of a source file, fenced or bare. */
export function examplesOf(file, content) {
  const source = ts.createSourceFile(file, content, ts.ScriptTarget.Latest, true);
  const found = new Map();
  const visit = (node) => {
    for (const tag of ts.getJSDocTags(node)) {
      if (tag.tagName.text !== 'example' || found.has(tag.pos)) continue;
      const text = source.text
        .slice(tag.tagName.end, tag.end)
        .replace(/^[ \t]*\* ?/gm, '')
        .replace(/\*\/?\s*$/, '');
      const start = source.getLineAndCharacterOfPosition(tag.tagName.end).line;
      const blocks = fences(text).filter(({ language }) => language === 'ts');
      const bare = { language: 'ts', flags: [], code: text, line: 1 };
      found.set(
        tag.pos,
        (blocks.length > 0 ? blocks : [bare]).map((block) => ({ ...block, line: block.line + start })),
      );
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found.values()].flat();
}
