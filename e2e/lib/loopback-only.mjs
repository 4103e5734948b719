// Loaded into every Node process of the run (node --import). A connection to another host fails, and the run fails with it.
import { appendFileSync } from 'node:fs';
import net from 'node:net';

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const [given] = Array.isArray(args[0]) ? args[0] : args;
  const { host = 'localhost', port, path } = typeof given === 'object' && given ? given : { host: typeof args[1] === 'string' ? args[1] : undefined, port: given };
  if (!path && port !== undefined && !loopback.test(host ?? 'localhost')) {
    if (process.env.E2E_FOREIGN) appendFileSync(process.env.E2E_FOREIGN, `${process.argv[1]}: ${host}:${port}\n`);
    throw new Error(`e2e: a connection to ${host}:${port} is not allowed`);
  }
  return connect.apply(this, args);
};
