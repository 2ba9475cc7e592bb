// What bundlers for browsers take instead of index.ts: package.json says so under "browser".

export const tinyDirectory = 'rxtinker/tiny';

export const tinyTokenizerFile = 'rxtinker/tiny/tokenizer.json';
