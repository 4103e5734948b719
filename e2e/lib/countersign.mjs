// A Countersign server on a free loopback port with an empty data directory, and a client of its Backend API.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

export const secretKey = 'sk_test_e2e';

/** The program that serves, and its arguments: a gateway with functions where E2E_BOOTSTRAPS names their directory. */
function program(dir, flags) {
  const { COUNTERSIGN, E2E_LAMBDA, E2E_BOOTSTRAPS } = process.env;
  if (E2E_BOOTSTRAPS) return [E2E_LAMBDA, 'serve', '--bootstraps', E2E_BOOTSTRAPS];
  if (!COUNTERSIGN) throw new Error('COUNTERSIGN must name the binary; node run.mjs builds it and sets it');
  return [COUNTERSIGN, 'serve', '--listen', 'localhost:0', '--data', path.join(dir, 'data'), ...flags];
}

/** The settings with which `countersign serve` begins too: one browser makes the requests of many users. */
const begin = { ip_limits: false, notify_by_text: false };

/** Starts a server. flags are additional flags of `countersign serve`. */
export async function startCountersign(...flags) {
  const dir = await mkdtemp(path.join(tmpdir(), 'countersign-e2e-'));
  const [binary, ...args] = program(dir, flags);
  const child = spawn(binary, args, { env: { ...process.env, COUNTERSIGN_SECRET_KEY: secretKey }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const log = [];
  createInterface({ input: child.stderr }).on('line', line => log.push(line));
  const greeting = {};
  for await (const line of createInterface({ input: child.stdout })) {
    greeting.url ??= line.match(/runs on (\S+)/)?.[1];
    greeting.control ??= line.match(/Control\s+(\S+)/)?.[1];
    greeting.key ??= line.match(/Publishable key\s+(\S+)/)?.[1];
    if (greeting.key) break;
  }
  if (!greeting.key) throw new Error(`countersign did not start:\n${log.join('\n')}`);
  child.stdout.resume();

  const call = async (method, path, body, headers = {}, at = greeting.url) => {
    const type = body !== undefined && { 'content-type': 'application/json' };
    const answer = await fetch(at + path, { method, headers: { ...type, ...headers }, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
  const backend = (method, path, body) => call(method, path, body, { authorization: `Bearer ${secretKey}` });
  const dev = (method, path, body) => call(method, path, body, {}, greeting.control ?? `${greeting.url}/dev`);
  const messages = async number => (await dev('GET', `/sms?phone_number=${encodeURIComponent(number)}`)).messages;

  const settings = async changes => {
    const all = await backend('PATCH', '/v1/instance', changes);
    if (greeting.control) await dev('POST', '/restart'); // functions keep the settings for ten seconds
    return all;
  };
  if (greeting.control) await settings(begin);
  return {
    /** Allows the pages of these origins. A development server allows those of this machine. */
    allow: async (...origins) => greeting.control && settings({ allowed_origins: origins }),
    url: greeting.url,
    secretKey,
    publishableKey: greeting.key,
    log,
    backend,
    dev,
    user: id => backend('GET', `/v1/users/${id}`),
    createUser: fields => backend('POST', '/v1/users', fields),
    ticket: async id => (await backend('POST', '/v1/sign_in_tokens', { user_id: id })).token,
    sessions: id => backend('GET', `/v1/sessions?user_id=${id}`),
    messages,
    /** The code of the newest message to a number, once there are `count` messages. */
    code: async (number, count = 1) => {
      const list = await until(async () => (l => l.length >= count && l)(await messages(number)), `message ${count} to ${number}`);
      return list.at(-1).code;
    },
    advance: seconds => dev('PATCH', '/clock', { advance_seconds: seconds }),
    age: (session, minutes) => dev('POST', `/sessions/${session}/age`, { minutes }),
    settings,
    /** The current TOTP code, by the server's clock. */
    totp: async secret => totp(secret, Date.parse((await dev('GET', '/clock')).now)),
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGQUIT'), 20_000); // its log then says where it waits
      const [status] = await exited;
      clearTimeout(late);
      await rm(dir, { recursive: true });
      if (status !== 0) throw new Error(`countersign ended with ${status}:\n${log.slice(-60).join('\n')}`);
    },
  };
}

/** Calls ask until it returns a value. */
export async function until(ask, what, limit = 10_000) {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`never saw ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** A TOTP code (RFC 6238 with SHA-1, six digits, 30 seconds). It is independent of the server's implementation. */
export function totp(secret, at) {
  const bits = [...secret].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map(byte => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const value = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(value % 1_000_000).padStart(6, '0');
}

/** A code that differs from `code`. */
export const wrong = code => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
