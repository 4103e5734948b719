// Charts in SVG. Each has a summary in words, works with the arrow keys, and shows its numbers in a table.
// Series differ in lightness; lines differ in their dashes and markers too, and have their names at their ends.

import { h, labelled, number, svg, t } from './page.js';

const high = 180; // height of the plot in pixels
const under = 22; // space for the labels below
const beside = 44; // space for the numbers of the axis

/** The axis: round steps from 0 to at least most. At most five, and integers when the values are. */
export function ticks(most) {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough && (Number.isInteger(n) || !Number.isInteger(most)));
  const list = [];
  for (let i = 0; list.length === 0 || list.at(-1) < most; i++) list.push(Number((i * step).toPrecision(12)));
  return list;
}

/** The markers of lines, from the point on: circle, square, triangle, diamond, triangle pointing down, cross. */
const markers = ['m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z', 'm-3.5-3.5h7v7h-7z', 'm0-4.5 4.5 8h-9z', 'm0-5 5 5-5 5-5-5z', 'm0 4.5 4.5-8h-9z', 'm-4.5-1.5h3v-3h3v3h3v3h-3v3h-3v-3h-3z'];
const marker = (n, x, y) => svg('path', { class: `dot s${n + 1}`, d: `M${x} ${y}${markers[n]}` });

const wide = 560; // the width in pixels from which lines have their names beside them
const line = 15; // the height of such a name
const longest = 26; // its characters
const short = (name) => (name.length > longest ? `${name.slice(0, longest - 1)}…` : name);

/** The width of the longest of some texts as .mark draws them. */
function widest(texts) {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return Math.max(...texts.map((text) => pen.measureText(text).width));
}

/** The heights of names beside their lines: as close to the ends as they can be without overlap. */
function apart(ends) {
  const order = ends.map((y, n) => ({ y, n })).sort((a, b) => a.y - b.y || a.n - b.n);
  order.forEach((o, i) => { o.y = Math.max(o.y, i > 0 ? order[i - 1].y + line : line / 2); });
  const over = Math.max(0, (order.at(-1)?.y ?? 0) - high);
  order.forEach((o) => { o.y -= over; });
  return order;
}

/** What stands for a series in the legend. */
const swatch = (n, stacked) => (stacked ? h('span', { class: `key s${n + 1}`, 'aria-hidden': 'true' })
  : svg('svg', { class: 'sample', viewBox: '0 0 30 12', 'aria-hidden': 'true' }, svg('path', { class: `line s${n + 1}`, d: 'M0 6H30' }), marker(n, 15, 6)));

const compact = (lang) => new Intl.NumberFormat(lang, { notation: 'compact', maximumFractionDigits: 2 });

/**
 * A chart of values by label, such as by day.
 *   title, text   the title, and a summary in one sentence
 *   labels        one for each value, in words; marks may hold short ones for the axis
 *   series        at most six of [{ name, values }]; bars are stacked
 *   kind          'bars' or 'lines'
 *   format        formats a value
 */
export function chart({ title, text, labels, marks = labels, series, kind = 'bars', format = number }) {
  const stacked = kind === 'bars';
  const at = (i) => series.map((s) => s.values[i] ?? 0);
  const most = Math.max(0, ...labels.map((_, i) => (stacked ? at(i).reduce((a, b) => a + b, 0) : Math.max(0, ...at(i)))));
  const scale = ticks(most);
  const says = (i) => labelled(labels[i], series.map((s) => `${s.name} ${format(s.values[i] ?? 0)}`).join(', '));
  const readout = h('p', { class: 'readout small', 'aria-hidden': 'true' });
  const drawing = svg('svg', { class: 'drawing', role: 'group', dir: 'ltr', 'aria-label': `${title}. ${text}` });
  let current = labels.length - 1;
  let points = [];

  const read = (i) => { readout.textContent = says(i); };
  function go(to, focus = true) {
    const next = Math.min(labels.length - 1, Math.max(0, to));
    points[current]?.setAttribute('tabindex', '-1');
    current = next;
    points[current].setAttribute('tabindex', '0');
    if (focus) points[current].focus();
  }
  drawing.addEventListener('keydown', (event) => {
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: labels.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });

  function draw(width) {
    const named = !stacked && series.length > 1 && width >= wide;
    const right = named ? 22 + widest(series.map((s) => short(s.name))) : 0;
    const inner = Math.max(1, width - beside - right);
    const slot = inner / Math.max(1, labels.length);
    const y = (value) => high - (value / scale.at(-1)) * (high - 8);
    const x = (i) => beside + slot * i;
    const every = Math.ceil(labels.length / Math.max(1, Math.floor(inner / 64)));
    const axis = [
      scale.map((v) => svg('g', {}, svg('line', { class: 'rule', x1: beside, x2: width - right, y1: y(v), y2: y(v) }), svg('text', { class: 'mark', x: beside - 8, y: y(v) + 4, 'text-anchor': 'end' }, compact(document.documentElement.lang).format(v)))),
      labels.map((_, i) => i % every === 0 && svg('text', { class: 'mark', x: x(i) + slot / 2, y: high + under - 5, 'text-anchor': 'middle' }, marks[i])),
    ];
    const shapes = stacked ? [] : series.map((s, n) => svg('polyline', { class: `line s${n + 1}`, points: labels.map((_, i) => `${x(i) + slot / 2},${y(s.values[i] ?? 0)}`).join(' ') }));
    points = labels.map((_, i) => {
      let below = 0;
      const marksAt = series.map((s, n) => {
        const value = s.values[i] ?? 0;
        if (!stacked) return marker(n, x(i) + slot / 2, y(value));
        below += value;
        return value > 0 && svg('rect', { class: `fill s${n + 1}`, x: x(i) + slot * 0.12, width: Math.max(1, slot * 0.76), y: y(below), height: Math.max(1.5, high - y(value)) });
      });
      const point = svg('g', { class: 'point', role: 'img', tabindex: i === current ? 0 : -1, 'aria-label': says(i) }, svg('rect', { class: 'reach', x: x(i), y: 0, width: slot, height: high }), marksAt);
      point.addEventListener('pointerenter', () => read(i));
      point.addEventListener('focus', () => {
        read(i);
        if (current !== i) go(i, false);
      });
      return point;
    });
    const names = named && apart(series.map((s) => y(s.values.at(-1) ?? 0))).map((o) => svg('g', { class: 'name', 'aria-hidden': 'true' },
      marker(o.n, width - right + 8, o.y), svg('text', { class: 'mark', x: width - right + 18, y: o.y + 4 }, short(series[o.n].name))));
    drawing.setAttribute('viewBox', `0 0 ${width} ${high + under}`);
    drawing.replaceChildren(...[axis, shapes, points, names].flat(Infinity).filter(Boolean));
  }

  // The chart is redrawn when its width changes, and keeps the focus.
  let drawn = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width);
    if (width === drawn || width === 0 || labels.length === 0) return;
    drawn = width;
    const focused = drawing.contains(document.activeElement);
    draw(width);
    if (focused) points[current].focus();
  }).observe(drawing);
  if (most > 0) read(current);
  else readout.textContent = t('dash.chart.nothing');

  return h('figure', { class: 'chart' },
    h('figcaption', { class: 'tight' }, h('h2', {}, title), h('p', { class: 'small quiet' }, text)),
    series.length > 1 && h('ul', { class: 'legend small' }, series.map((s, n) => h('li', {}, swatch(n, stacked), s.name))),
    labels.length > 0 && drawing, readout, labels.length > 0 && asTable(title, labels, series, format));
}

/** The numbers as a table, built when it is opened. */
function asTable(title, labels, series, format) {
  const box = h('details', {}, h('summary', {}, t('dash.chart.table')));
  box.addEventListener('toggle', () => {
    if (!box.open || box.children.length > 1) return;
    box.append(h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, h('table', {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('dash.chart.when')), series.map((s) => h('th', { scope: 'col', class: 'amount' }, s.name)))),
      h('tbody', {}, labels.map((label, i) => h('tr', {}, h('th', { scope: 'row' }, label), series.map((s) => h('td', { class: 'amount' }, format(s.values[i] ?? 0)))))))));
  });
  return box;
}

/** Horizontal bars, each with its number. */
export function ranking(rows) {
  const most = Math.max(0, ...rows.map((r) => r.of ?? r.value));
  return h('ul', { class: 'bars' }, rows.map(({ label, value, text }) => {
    const fill = h('div', { class: 'fill' });
    fill.style.inlineSize = `${most > 0 ? Math.min(100, (100 * value) / most) : 0}%`;
    return h('li', { class: 'bar' }, h('div', { class: 'of' }, h('span', {}, label), h('span', { class: 'quiet' }, text)), h('div', { class: 'track', 'aria-hidden': 'true' }, fill));
  }));
}
