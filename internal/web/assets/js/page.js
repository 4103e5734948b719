// Basics of every page: texts, elements, messages, focus.

import { loaded } from './early.js';

loaded();

const data = JSON.parse(document.getElementById('data').textContent);
export const { name, support, origins, loopback } = data;
export const afterSignIn = data.after_sign_in;
/** The locale of numbers and dates: the visitor's region, such as en-GB, in the language of the page. */
export const lang = navigator.languages.find((l) => l.split('-')[0] === data.lang && valid(l)) ?? data.lang;
const texts = data.texts;

// A page from the back/forward cache may show an old state to another user.
window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

/** The control that a click reached: a label stands for its input. */
const controlOf = (element) => element.closest('label') ?? element.closest('button, a, summary, input, select');
let pressed; // the control that the first click of a double click reached

// A double click is one click, and works on the control that it began on: an answer that comes between its clicks may put
// another one there. A button with data-repeat takes every click.
document.addEventListener('click', (event) => {
  const control = controlOf(event.target);
  if (event.detail < 2) pressed = control;
  else if (control !== pressed || control?.matches('button:not([data-repeat]), a')) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture: true });

/** Leaves the page. It never resolves, so that a button stays busy until the next page is there. */
export function leaveFor(address) {
  location.replace(address);
  return new Promise(() => {});
}

const SVG = 'http://www.w3.org/2000/svg';

// Some browsers on Linux name a locale that is none, such as en-US@posix.
function valid(locale) {
  try {
    return Intl.getCanonicalLocales(locale).length === 1;
  } catch {
    return false;
  }
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'value') element.value = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return element;
}

/** Creates an element. Strings become text nodes, never markup. */
export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
export const svg = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

const shapes = {
  sms: ['M4 5h16v11H9l-5 4z', 'M8 9h8M8 12h5'],
  app: ['M7 3h10v18H7z', 'M10.5 17.5h3', 'm9.8 10.2 1.6 1.6 3-3.2'],
  key: ['M14.5 4a5.5 5.5 0 1 1-4.6 8.5L4 18.4V21h3v-2h2v-2l2.3-2.3', 'M16 8.5h.01'],
  device: ['M5 5h14v10H5z', 'M3 19h18'],
  mobile: ['M7 3h10v18H7z', 'M11 18h2'],
  lock: ['M6 11h12v9H6z', 'M9 11V8a3 3 0 0 1 6 0v3'],
  check: ['m5 12.5 4.5 4.5L19 7.5'],
  alert: ['M12 4 3 20h18z', 'M12 10v4M12 17h.01'],
  info: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18', 'M12 11v5M12 8h.01'],
  copy: ['M9 9h11v11H9z', 'M5 15H4V4h11v1'],
  clock: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18', 'M12 7v5l3 2'],
  eye: ['M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12', 'M12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6'],
  shield: ['M12 3 5 6v5c0 5 3 8 7 10 4-2 7-5 7-10V6z', 'm9 12 2.2 2.2L15 10'],
  passkey: ['M9 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8', 'M3 20c.6-3.800 2.800-5.500 6-5.500 1 0 1.900.2 2.700.5', 'M17.500 10a3 3 0 1 0 0 6 3 3 0 0 0 0-6', 'M17.500 16v5l2-1.500'],
  person: ['M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8', 'M4.5 20c1-4 4-5.5 7.5-5.5s6.500 1.500 7.500 5.500'],
};

/** An icon. It is decoration: the text beside it has the meaning. */
export const icon = (shape) => svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, shapes[shape].map((d) => svg('path', { d })));

/** The icons of the strategies. */
export const strategyShapes = { totp: 'app', phone_code: 'sms', backup_code: 'key', password: 'lock', ticket: 'key', passkey: 'passkey' };

/** A text of the catalogue with its {names} replaced. */
export function t(key, values = {}) {
  if (!(key in texts)) throw new Error(`no text ${key}`);
  return texts[key].replace(/\{(\w+)\}/g, (all, slot) => (slot in values ? values[slot] : all));
}

export const has = (key) => key in texts;

/** A label and what it is for, such as "Remove: Authenticator app". French has a space before the colon. */
export const labelled = (label, value) => t('frame.labelled', { label, value });

/** A text of the catalogue, or the fallback where the catalogue has none. */
export const textOr = (key, fallback) => (has(key) ? t(key) : fallback);

/** A text with a number, in the form that the language has for it: the text key.one of the plural category "one", else the text key. */
export function counted(key, n, values) {
  const form = `${key}.${new Intl.PluralRules(lang).select(n)}`;
  return t(has(form) ? form : key, { ...values, count: number(n) });
}

/** A text of the catalogue with elements for its {names}. */
export function rich(key, elements) {
  return t(key).split(/(\{\w+\})/).map((part) => {
    const slot = /^\{(\w+)\}$/.exec(part);
    return slot && slot[1] in elements ? elements[slot[1]] : part;
  });
}

const unit = (value, name) => new Intl.NumberFormat(lang, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);

/** A time span as [number, unit], in its largest unit. Whole hours are hours: an hour is not "60 minutes". */
function largest(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (seconds < 100) return [Math.max(1, Math.ceil(seconds)), 'second'];
  if (minutes < 100 && minutes !== 60) return [minutes, 'minute'];
  if (seconds < 48 * 3600) return [Math.ceil(seconds / 3600), 'hour'];
  return [Math.ceil(seconds / 86400), 'day'];
}

/** A time span in words, in its largest unit, such as "3 days". */
export const duration = (seconds) => unit(...largest(seconds));

/** A time from now in words, such as "in 3 days". A text has no "in" before it, because languages decline the words after it. */
export const later = (seconds) => new Intl.RelativeTimeFormat(lang).format(...largest(seconds));

export const number = (n) => new Intl.NumberFormat(lang).format(n);
export const day = (ms) => new Intl.DateTimeFormat(lang, { dateStyle: 'medium' }).format(ms);
export const date = (ms) => new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short' }).format(ms);

let behind = 0; // milliseconds by which this device's clock is behind the server's

/** Takes the server's time from the Date header of an answer, so that a device's wrong clock does not matter. */
export function setClock(header) {
  const now = Date.parse(header);
  if (now) behind = now - Date.now();
}

/** The server's time, in milliseconds. */
export const now = () => Date.now() + behind;

const spans = [['minute', 60_000], ['hour', 3_600_000], ['day', 86_400_000]];

/** A time in the past, such as "2 hours ago", with the date and time as its title. After a week it is the date. */
export function ago(ms) {
  const past = now() - ms;
  const [unit, length] = spans.findLast(([, l]) => past >= l) ?? ['second', Infinity];
  const words = past < 7 * 86_400_000 ? new Intl.RelativeTimeFormat(lang, { numeric: 'auto' }).format(-Math.floor(Math.max(past, 0) / length), unit)
    : new Intl.DateTimeFormat(lang, { dateStyle: 'medium' }).format(ms);
  return h('time', { datetime: new Date(ms).toISOString(), title: date(ms) }, words);
}

export const country = (code) => new Intl.DisplayNames(lang, { type: 'region' }).of(code);

/** A phone number, left to right, with groups where the numbering plan is known. */
export function phone(text) {
  const us = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(text);
  return h('bdi', { dir: 'ltr' }, us ? `+1 ${us[1]} ${us[2]} ${us[3]}` : text.replaceAll('*', '•'));
}

/** Shows a message for a few seconds, and announces it to screen readers. All outside of an open dialog is inert, so the dialog has a place of its own. */
export function say(text) {
  const toast = h('div', { class: 'toast' }, text);
  const place = [...document.querySelectorAll('dialog[open] .toasts')].at(-1) ?? document.getElementById('toasts');
  place.replaceChildren(toast);
  setTimeout(() => toast.remove(), 6000);
}

/** Replaces the content of the page. The focus goes to the element with data-focus, else to the heading. */
export function show(host, view, { focus = true, title } = {}) {
  host.replaceChildren(...[view].flat(Infinity).filter(Boolean));
  if (title !== undefined) document.title = `${title} · ${name}`;
  if (!focus) return;
  const target = host.querySelector('[data-focus]') ?? host.querySelector('h1, h2');
  if (target) focusOn(target);
}

/** Moves the focus to an element. One that takes no focus by itself, such as a heading, then does. */
export function focusOn(element) {
  if (!element.matches('input, button, select, a[href], [tabindex]')) element.tabIndex = -1;
  element.focus();
}

export const page = document.getElementById('page');

/** Moves the focus to the title of the page, after the focused button has gone. */
export const focusTitle = () => focusOn(page.querySelector('h1'));

export const badge = (text, tone = '') => h('span', { class: `badge ${tone}` }, text);

export function heading(level, shape, title, text, tone) {
  return h('div', { class: 'head' }, shape && h('span', { class: `glyph ${tone ?? ''}` }, icon(shape)), h(level, {}, title), text && h('p', { class: 'quiet' }, text));
}

export const notice = (tone, ...content) =>
  h('div', { class: `notice ${tone}`, role: tone === 'bad' ? 'alert' : undefined }, icon(tone === 'good' ? 'check' : tone === 'plain' ? 'info' : 'alert'), h('div', {}, ...content));

/** The progress in a sequence of steps. */
export const steps = (at, of) => [
  h('p', { class: 'small quiet' }, t('frame.step', { at: number(at), of: number(of) })),
  h('ol', { class: 'steps', 'aria-hidden': 'true' }, Array.from({ length: of }, (_, i) => h('li', { class: i + 1 < at && 'done', 'aria-current': i + 1 === at && 'step' }))),
];

/** Saves parts of text as a file of the browser's downloads. */
export function saveFile(name, parts, type) {
  const address = URL.createObjectURL(new Blob(parts, { type: `${type};charset=utf-8` }));
  h('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** Copies a text and says whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say(t('button.copied'));
    return true;
  } catch {
    say(t('error.copy'));
    return false;
  }
}
