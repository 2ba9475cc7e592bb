export * from './recipes/index.js';
export * from './renderers/index.js';
