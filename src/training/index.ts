export * from './renderers/index.js';
