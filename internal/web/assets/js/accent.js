// The readable accent colour of a scheme, for the preview. The server computes the same in accent.go.

const surfaces = { light: [0xf4, 0xf5, 0xf8], dark: [0x20, 0x25, 0x30] };
const white = [255, 255, 255];
const ends = { light: [0x0b, 0x0d, 0x12], dark: white };
const readable = 4.6;
export const standard = '#3457d5';

export const isColour = (text) => /^#[0-9a-f]{6}$/i.test(text);

const parse = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
const write = (c) => `#${c.map((v) => v.toString(16).padStart(2, '0')).join('')}`;

function luminance(c) {
  const [r, g, b] = c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** The accent of a colour scheme, and the colour of text on it. */
export function accent(text, scheme) {
  const wanted = parse(isColour(text) ? text : standard);
  let moved = ends[scheme];
  for (let step = 0; step < 20; step++) {
    const at = wanted.map((v, i) => Math.round(v + (ends[scheme][i] - v) * step * 0.05));
    if (contrast(at, surfaces[scheme]) >= readable) {
      moved = at;
      break;
    }
  }
  return { accent: write(moved), on: write(contrast(white, moved) >= readable ? white : ends.light) };
}
