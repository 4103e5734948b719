// The development page: received text messages, the clock, and injected faults.

import { request } from './api.js';
import { button, load } from './form.js';
import { copy, h, heading, page, phone, say, show, t } from './page.js';

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
    h('div', { class: 'bubble-meta' }, h('span', {}, t('dev.to')), phone(m.phone_number), h('span', {}, clock(m.sent_at)), m.code && button(t('dev.copy'), { kind: 'plain short', 'aria-label': `${t('dev.copy')}: ${m.code}`, act: () => copy(m.code) })),
  ])));
  thread.scrollTop = thread.scrollHeight;
}

const later = (seconds, key) => button(t(key), { kind: 'short', act: async () => {
  await request('PATCH', '/dev/clock', { json: { advance_seconds: seconds } });
  await look();
  say(t('dev.moved'));
} });
const fault = (json, key, said) => button(t(key), { kind: 'short', act: async () => {
  await request('POST', '/dev/faults', { json });
  say(t(said));
} });
const setting = (json, key) => button(t(key), { kind: 'short', act: async () => {
  await request('PATCH', '/dev/instance', { json });
  say(t('dev.set'));
} });
const card = (title, text, ...buttons) => h('section', { class: 'card stack' }, h('div', { class: 'tight' }, h('h2', {}, t(title)), h('p', { class: 'small quiet' }, text)), h('div', { class: 'actions' }, buttons));

load(page, async () => {
  show(page, [
    heading('h1', null, t('dev.title'), t('dev.text')),
    h('div', { class: 'bench' },
      h('section', { class: 'phone', 'aria-label': t('dev.phone') }, h('div', { class: 'bar-top', 'aria-hidden': 'true' }, time, h('span', {}, '5G')), h('p', { class: 'thread-head quiet' }, t('dev.messages')), thread),
      h('div', { class: 'stack' },
        card('dev.clock', [t('dev.clock.text'), ' ', timeWide], later(30, 'dev.30s'), later(600, 'dev.10m'), later(3600, 'dev.1h'), later(86400, 'dev.1d')),
        card('dev.faults', t('dev.faults.text'), fault({ sms: true }, 'dev.sms.down', 'dev.broken'), fault({ store: true }, 'dev.store.down', 'dev.broken'), fault({}, 'dev.repair', 'dev.repaired')),
        card('dev.settings', t('dev.settings.text'), setting({ mfa_required: true }, 'dev.required'), setting({ mfa_required: false }, 'dev.optional'), setting({ test_mode: true }, 'dev.fixed'), setting({ test_mode: false }, 'dev.random')),
        h('p', {}, h('a', { href: '/' }, t('dev.home')))))], { focus: false });
  await look();
  setInterval(() => { if (!document.hidden) look().catch(() => {}); }, 2000);
});
