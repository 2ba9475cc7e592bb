// What bundlers for browsers take instead of defaultTransport.ts: package.json says so under "browser".
export { fetchTransport as defaultTransport } from './fetchTransport.js';
