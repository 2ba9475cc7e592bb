// Preloaded with --import where a program must work without a network: connections leave for this machine only.
import net from 'node:net';

const loopback = new Set([undefined, null, '', 'localhost', '127.0.0.1', '::1']);
const { connect } = net.Socket.prototype;

net.Socket.prototype.connect = function (...args) {
  // net.connect passes its arguments normalized: an array whose first entry is the options.
  const first = Array.isArray(args[0]) ? args[0][0] : args[0];
  const host = typeof first === 'object' ? first.host : typeof args[1] === 'string' ? args[1] : undefined;
  if (!loopback.has(host)) throw new Error(`A connection to ${host} was tried where everything has to work offline.`);
  return connect.apply(this, args);
};
