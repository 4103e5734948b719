// The development page: received text messages, the clock, and injected faults.

import { request } from './api.js';
import { button, load, tell } from './form.js';
import { copy, h, heading, labelled, notice, page, phone, say, show, t } from './page.js';

const thread = h('div', { class: 'thread', tabindex: '0', role: 'log', 'aria-label': t('dev.thread') });
const time = h('span', {});
const timeWide = h('strong', {});
let shown = '';

const clock = (text) => new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: 'short', timeZone: 'UTC' }).format(new Date(text));

async function look() {
  const [{ messages }, { now }] = await Promise.all([request('GET', '/dev/sms'), request('GET', '/dev/clock')]);
  time.textContent = clock(now);
  timeWide.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' }).format(new Date(now));
  const key = JSON.stringify(messages);
  if (key === shown) return;
  shown = key;
  thread.replaceChildren(...(messages.length === 0 ? [h('p', { class: 'quiet' }, t('dev.empty'))] : messages.flatMap((m) => [
    h('div', { class: 'bubble' }, m.text),
    h('div', { class: 'bubble-meta' }, h('span', {}, t('dev.to')), phone(m.phone_number), h('span', {}, clock(m.sent_at)), m.code && button(t('dev.copy'), { kind: 'plain short', 'aria-label': labelled(t('dev.copy'), m.code), act: () => copy(m.code) })),
  ])));
  thread.scrollTop = thread.scrollHeight;
}

const later = (seconds, key) => button(t(key), { kind: 'short', 'data-repeat': true, act: async () => {
  await request('PATCH', '/dev/clock', { json: { advance_seconds: seconds } });
  await look();
  say(t('dev.moved'));
} });
/** A switch that shows the server's state: {element, set(on)}. */
function toggle(key, change) {
  const input = h('input', { type: 'checkbox', role: 'switch' });
  input.addEventListener('change', async () => {
    try {
      await change(input.checked);
    } catch (problem) {
      input.checked = !input.checked;
      tell(problem);
    }
  });
  return { element: h('label', { class: 'switch' }, h('span', {}, t(key)), input), set(on) { input.checked = on; } };
}

const faults = [['sms', 'dev.sms.down'], ['store', 'dev.store.down']].map(([name, key]) => ({ name, key, ...toggle(key, async (on) => {
  const wanted = { ...await request('GET', '/dev/faults'), [name]: on };
  await request('POST', '/dev/faults', { json: wanted });
  if (on) say(t('dev.broken'));
  else if (!wanted.sms && !wanted.store) say(t('dev.repaired'));
  await lookAtState();
}) }));
const settings = [['mfa_required', 'dev.required'], ['test_mode', 'dev.fixed']].map(([name, key]) => ({ name, ...toggle(key, async (on) => {
  await request('PATCH', '/dev/instance', { json: { [name]: on } });
  say(t('dev.set'));
  await lookAtState();
}) }));
const banner = h('div', {});

/** Shows which faults are active, and the settings. While the store is overloaded, the settings stay as they were. */
async function lookAtState() {
  const now = await request('GET', '/dev/faults');
  const active = faults.filter((f) => now[f.name]);
  faults.forEach((f) => f.set(now[f.name]));
  const said = active.map((f) => t(f.key)).join(' · ');
  if (banner.textContent !== said) banner.replaceChildren(said ? notice('bad', h('p', {}, said)) : '');
  if (now.store) return;
  const instance = await request('GET', '/dev/instance');
  settings.forEach((one) => one.set(instance[one.name]));
}

const card = (title, text, ...buttons) => h('section', { class: 'card stack' }, h('div', { class: 'tight' }, h('h2', {}, t(title)), h('p', { class: 'small quiet' }, text)), buttons);

load(page, async () => {
  show(page, [
    heading('h1', null, t('dev.title'), t('dev.text')), banner,
    h('div', { class: 'bench' },
      h('section', { class: 'phone', 'aria-label': t('dev.phone') }, h('div', { class: 'bar-top', 'aria-hidden': 'true' }, time, h('span', {}, '5G')), h('p', { class: 'thread-head quiet' }, t('dev.messages')), thread),
      h('div', { class: 'stack' },
        card('dev.clock', [t('dev.clock.text'), ' ', timeWide], h('div', { class: 'actions' }, later(30, 'dev.30s'), later(600, 'dev.10m'), later(3600, 'dev.1h'), later(86400, 'dev.1d'))),
        card('dev.faults', t('dev.faults.text'), h('div', {}, faults.map((f) => f.element))),
        card('dev.settings', t('dev.settings.text'), h('div', {}, settings.map((one) => one.element))),
        h('p', {}, h('a', { href: '/' }, t('dev.home')))))], { focus: false });
  await Promise.all([look(), lookAtState()]);
  setInterval(() => { if (!document.hidden) Promise.all([look(), lookAtState()]).catch(() => {}); }, 2000);
});
