// QR codes (ISO/IEC 18004): byte mode, error correction level M, versions 1 to 20. The page draws them, so that a secret is in no image URL.

import { svg } from './page.js';

const MAX = 20;
// Level M: error correction codewords per block, and number of blocks, by version.
const perBlock = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const blockCount = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

// GF(256) of the Reed-Solomon code, as powers of 2.
const exp = new Uint8Array(510);
const log = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
  exp[i] = exp[i + 255] = x;
  log[x] = i;
  x = (x << 1) ^ (x & 0x80 ? 0x11d : 0);
}
const times = (a, b) => (a === 0 || b === 0 ? 0 : exp[log[a] + log[b]]);

function generator(degree) {
  let g = [1];
  for (let i = 0; i < degree; i++) {
    const next = [...g, 0];
    g.forEach((c, j) => { next[j + 1] ^= times(c, exp[i]); });
    g = next;
  }
  return g.slice(1);
}

function remainder(block, g) {
  const r = new Array(g.length).fill(0);
  for (const byte of block) {
    const factor = byte ^ r.shift();
    r.push(0);
    g.forEach((c, i) => { r[i] ^= times(c, factor); });
  }
  return r;
}

function alignments(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  const last = version * 4 + 10;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => last - step * (count - 2 - i))];
}

/** The number of data bits of a version. */
function room(version) {
  let bits = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const n = Math.floor(version / 7) + 2;
    bits -= (25 * n - 10) * n - 55;
    if (version >= 7) bits -= 36;
  }
  return bits;
}

const dataBytes = (version) => Math.floor(room(version) / 8) - perBlock[version] * blockCount[version];

function codewords(bytes) {
  let version = 1;
  const header = (v) => 4 + (v < 10 ? 8 : 16);
  while (version <= MAX && header(version) + bytes.length * 8 > dataBytes(version) * 8) version++;
  if (version > MAX) throw new RangeError('too long for a QR code');
  const bits = [];
  const put = (value, count) => { for (let i = count - 1; i >= 0; i--) bits.push((value >>> i) & 1); };
  put(4, 4);
  put(bytes.length, header(version) - 4);
  bytes.forEach((b) => put(b, 8));
  const capacity = dataBytes(version) * 8;
  put(0, Math.min(4, capacity - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const data = [];
  for (let i = 0; i < bits.length; i += 8) data.push(bits.slice(i, i + 8).reduce((n, b) => n * 2 + b, 0));
  for (let pad = 0xec; data.length < capacity / 8; pad ^= 0xec ^ 0x11) data.push(pad);
  return { version, bytes: interleave(data, version) };
}

function interleave(data, version) {
  const n = blockCount[version];
  const short = Math.floor(data.length / n);
  const long = data.length % n;
  const g = generator(perBlock[version]);
  const blocks = [];
  for (let i = 0, at = 0; i < n; i++) {
    const size = short + (i >= n - long ? 1 : 0);
    const block = data.slice(at, at + size);
    at += size;
    blocks.push({ block, check: remainder(block, g) });
  }
  const out = [];
  for (let i = 0; i <= short; i++) blocks.forEach(({ block }) => { if (i < block.length) out.push(block[i]); });
  for (let i = 0; i < perBlock[version]; i++) blocks.forEach(({ check }) => out.push(check[i]));
  return out;
}

const masks = [
  (x, y) => (x + y) % 2 === 0, (x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** The modules of a text's QR code, by row; true is dark. */
export function modules(text) {
  const { version, bytes } = codewords([...new TextEncoder().encode(text)]);
  const size = version * 4 + 17;
  const fixed = new Map();
  const set = (x, y, dark) => fixed.set(y * size + x, dark);
  patterns(set, version, size);
  const free = path(size, fixed);
  let best;
  masks.forEach((mask, index) => {
    const square = Array.from({ length: size }, () => new Array(size).fill(false));
    fixed.forEach((dark, at) => { square[Math.floor(at / size)][at % size] = dark; });
    free.forEach(([x, y], i) => { square[y][x] = ((((bytes[i >> 3] ?? 0) >>> (7 - (i & 7))) & 1) === 1) !== mask(x, y); });
    format(square, index, size);
    const score = penalty(square, size);
    if (!best || score < best.score) best = { score, square };
  });
  return best.square;
}

function patterns(set, version, size) {
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    for (let dy = -4; dy <= 4; dy++) for (let dx = -4; dx <= 4; dx++) {
      const x = cx + dx, y = cy + dy, far = Math.max(Math.abs(dx), Math.abs(dy));
      if (x >= 0 && y >= 0 && x < size && y < size) set(x, y, far !== 2 && far !== 4);
    }
  }
  const at = alignments(version), last = at.length - 1;
  at.forEach((cx, i) => at.forEach((cy, j) => {
    if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return;
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
  }));
  for (let i = 0; i < 9; i++) for (const [x, y] of [[8, i], [i, 8], [8, size - 1 - i], [size - 1 - i, 8]]) {
    if (i < 8 || (x < 9 && y < 9)) if (x !== 6 && y !== 6) set(x, y, false); // reserved for the format
  }
  set(8, size - 8, true);
  if (version < 7) return;
  let rest = version;
  for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  for (let i = 0; i < 18; i++) {
    const dark = ((bits >>> i) & 1) === 1, a = size - 11 + (i % 3), b = Math.floor(i / 3);
    set(a, b, dark);
    set(b, a, dark);
  }
}

/** The data modules in their order: two columns at a time, from the right, alternately up and down. */
function path(size, fixed) {
  const free = [];
  for (let right = size - 1, up = true; right >= 1; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let i = 0; i < size; i++) for (const x of [right, right - 1]) {
      const y = up ? size - 1 - i : i;
      if (!fixed.has(y * size + x)) free.push([x, y]);
    }
  }
  return free;
}

function format(square, mask, size) {
  const data = mask; // level M is 00
  let rest = data;
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  const bit = (i) => ((bits >>> i) & 1) === 1;
  for (let i = 0; i <= 5; i++) square[i][8] = bit(i);
  square[7][8] = bit(6);
  square[8][8] = bit(7);
  square[8][7] = bit(8);
  for (let i = 9; i < 15; i++) square[8][14 - i] = bit(i);
  for (let i = 0; i < 8; i++) square[8][size - 1 - i] = bit(i);
  for (let i = 8; i < 15; i++) square[size - 15 + i][8] = bit(i);
}

/** The penalty score of a mask (section 7.8.3): runs, blocks, finder-like patterns, imbalance. */
function penalty(square, size) {
  let score = 0, dark = 0;
  const columns = square.map((_, x) => square.map((row) => row[x]));
  for (const line of [...square, ...columns]) {
    const text = line.map((b) => (b ? 1 : 0)).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) score += run.length - 2;
    for (const finder of ['10111010000', '00001011101']) for (let at = text.indexOf(finder); at >= 0; at = text.indexOf(finder, at + 1)) score += 40;
  }
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
    if (square[y][x]) dark++;
    if (x && y && square[y][x] === square[y][x - 1] && square[y][x] === square[y - 1][x] && square[y][x] === square[y - 1][x - 1]) score += 3;
  }
  return score + Math.floor(Math.abs(dark * 20 - size * size * 10) / (size * size)) * 10;
}

/** The QR code of a text as SVG, with a quiet zone of four modules. */
export function qr(text, label) {
  const square = modules(text), quiet = 4, size = square.length + quiet * 2;
  let d = '';
  square.forEach((row, y) => row.forEach((dark, x) => { if (dark) d += `M${x + quiet} ${y + quiet}h1v1h-1z`; }));
  return svg('svg', { viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': label, 'shape-rendering': 'crispEdges' },
    svg('path', { d: `M0 0h${size}v${size}H0z`, fill: '#fff' }), svg('path', { d, fill: '#000' }));
}
