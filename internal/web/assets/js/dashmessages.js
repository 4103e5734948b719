// Text messages: today's cost and limits, prices, and the message log.

import { explain } from './api.js';
import { ranking } from './chart.js';
import { exporting, instant } from './csv.js';
import { ask, drawTabs, saveBar, usd, userPath } from './dash.js';
import { load } from './form.js';
import { badge, country, date, h, heading, labelled, notice, number, page, say, show, t, textOr } from './page.js';
import { pager } from './pager.js';
import { period } from './period.js';

const size = 20;

drawTabs();
load(page, async () => {
  const [usage, settings] = await Promise.all([ask('GET', '/v1/sms_usage'), ask('GET', '/v1/instance')]);
  draw(usage, settings);
});

/** A field for an optional amount. */
function amount(label, value, hint, change) {
  const input = h('input', { type: 'text', inputmode: 'decimal', class: 'money', autocomplete: 'off', 'aria-label': label, value: value ?? '', placeholder: hint, dir: 'ltr', maxlength: 12 });
  input.addEventListener('input', () => {
    const text = input.value.normalize('NFKC').trim().replace(',', '.');
    const bad = text !== '' && !/^\d{1,7}(\.\d{0,6})?$/.test(text);
    if (bad) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    change(text === '' ? undefined : Number(text), bad);
  });
  return input;
}

function draw(usage, settings) {
  const wanted = { sms_daily_cap_usd: settings.sms_daily_cap_usd, sms_record_only: settings.sms_record_only, sms_country_caps: { ...settings.sms_country_caps }, sms_prices: { ...settings.sms_prices } };
  const same = (n) => JSON.stringify(Object.entries(wanted[n] ?? '').sort()) === JSON.stringify(Object.entries(settings[n] ?? '').sort()) && String(wanted[n]) === String(settings[n]);
  const changed = () => Object.keys(wanted).filter((n) => !same(n));
  const alert = h('div', {});
  const wrong = new Set();
  const bar = saveBar({
    dirty: () => changed().length > 0,
    wrong: (problem) => alert.replaceChildren(notice('bad', h('p', {}, problem.code === 'form_param_value_invalid' ? t('dash.sms.amount.wrong') : explain(problem)))),
    act: async () => {
      alert.replaceChildren();
      if (wrong.size > 0) {
        alert.replaceChildren(notice('bad', h('p', {}, t('dash.sms.amount.wrong'))));
        page.querySelector('[aria-invalid=true]').focus();
        return;
      }
      const names = changed();
      if (names.length > 0) await ask('PATCH', '/v1/instance', Object.fromEntries(names.map((n) => [n, wanted[n]])));
      names.forEach((n) => { settings[n] = structuredClone(wanted[n]); });
      say(t('dash.saved'));
    },
  });
  const take = (key, set) => (value, bad) => {
    if (bad) wrong.add(key);
    else {
      wrong.delete(key);
      set(value);
    }
    bar.mark();
  };
  const inMap = (name, code) => take(`${name} ${code}`, (value) => {
    if (value === undefined) delete wanted[name][code];
    else wanted[name][code] = value;
  });

  const recordOnly = h('input', { type: 'checkbox', role: 'switch', 'aria-describedby': 'record-only' });
  recordOnly.checked = settings.sms_record_only;
  recordOnly.addEventListener('change', () => {
    wanted.sms_record_only = recordOnly.checked;
    bar.mark();
  });
  const cap = amount(t('dash.sms.cap'), settings.sms_daily_cap_usd, '', take('cap', (value) => { wanted.sms_daily_cap_usd = value ?? settings.sms_daily_cap_usd; }));
  const cell = (label, ...content) => h('td', { class: 'amount', 'data-label': label }, content);

  show(page, [
    heading('h1', null, t('dash.sms.title'), t('dash.sms.text')),
    h('div', { class: 'grid' },
      h('section', { class: 'card stack' }, h('h2', {}, t('dash.sms.today')), ranking([
        { label: t('dash.sms.spent'), value: usage.spent_today_usd, of: usage.daily_cap_usd, text: t('dash.of', { count: usd(usage.spent_today_usd), total: usd(usage.daily_cap_usd) }) },
        { label: t('dash.sms.unverified'), value: Math.max(0, usage.unverified_this_hour), of: usage.unverified_limit, text: t('dash.of', { count: number(Math.max(0, usage.unverified_this_hour)), total: number(usage.unverified_limit) }) },
      ]), h('p', { class: 'small quiet' }, t('dash.sms.ends', { when: date(usage.day_ends_at) }))),
      h('section', { class: 'card stack' }, h('h2', {}, t('dash.sms.limits')),
        h('label', { class: 'switch' }, h('span', {}, h('span', {}, t('dash.sms.cap')), h('span', { class: 'small quiet' }, t('dash.sms.cap.text'))), cap),
        h('label', { class: 'switch' }, h('span', {}, h('span', {}, t('dash.sms_record_only')), h('span', { class: 'small quiet', id: 'record-only' }, t('dash.sms_record_only.text'))), recordOnly))),
    h('section', { class: 'card stack' }, h('div', { class: 'tight' }, h('h2', {}, t('dash.sms_countries')), h('p', { class: 'small quiet' }, t('dash.sms.countries.text', { when: usage.prices_compiled }))),
      h('table', { class: 'cards' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('dash.sms.country')), ['dash.sms.price', 'dash.sms.cap', 'dash.sms.spent', 'dash.sms.sent', 'dash.sms.verified'].map((key) => h('th', { scope: 'col', class: 'amount' }, t(key))))),
        h('tbody', {}, usage.countries.map((c) => h('tr', {}, h('th', { scope: 'row' }, country(c.country)),
          cell(t('dash.sms.price'), amount(labelled(t('dash.sms.price'), country(c.country)), c.own_price ? c.price_usd : undefined, String(c.price_usd), inMap('sms_prices', c.country))),
          cell(t('dash.sms.cap'), amount(labelled(t('dash.sms.cap'), country(c.country)), c.cap_usd ?? undefined, '–', inMap('sms_country_caps', c.country))),
          cell(t('dash.sms.spent'), usd(c.spent_today_usd)), cell(t('dash.sms.sent'), number(c.sent_today)), cell(t('dash.sms.verified'), number(c.verified_today))))))),
    alert, bar.element, log(),
  ], { focus: false });
}

const tones = { failed: 'bad', undelivered: 'bad', refused: 'warn', sent: '' };

function state(m) {
  if (m.verified_at) return badge(t('dash.sms.status.verified'), 'good');
  return badge(textOr(`dash.sms.status.${m.status}`, m.status), tones[m.status] ?? '');
}

/** The message log of the last thirty days, in pages, newest first. It holds no codes. */
function log() {
  const body = h('div', { class: 'stack' });
  const head = h('h2', {}, t('dash.sms.log'));
  const pages = pager({ body, head, look });
  const days = period(pages.first);
  const query = (limit, from) => {
    const { from: first, after, before: until } = days.bounds() ?? {};
    return `/v1/sms_messages?${new URLSearchParams(Object.entries({ limit, before: from ?? until, created_at_after: first && after }).filter(([, value]) => value))}`;
  };

  async function look(from) {
    const { data, has_more: older } = await ask('GET', query(size, from));
    const cell = (key, ...content) => h('td', { 'data-label': t(key) }, h('div', {}, content));
    const more = pages.buttons(from, older && data.at(-1).created_at).filter(Boolean);
    body.replaceChildren(data.length === 0 ? h('p', { class: 'quiet' }, t('event.none')) : h('table', { class: 'cards' },
      h('thead', {}, h('tr', {}, ['dash.sms.when', 'dash.sms.to', 'dash.sms.purpose', 'dash.state', 'dash.sms.price'].map((key) => h('th', { scope: 'col' }, t(key))))),
      h('tbody', {}, data.map((m) => h('tr', {},
        cell('dash.sms.when', date(m.created_at)),
        cell('dash.sms.to', h('a', { href: userPath(m.user_id) }, h('bdi', { dir: 'ltr' }, m.phone_number.replaceAll('*', '•'))), h('div', { class: 'small quiet' }, m.country ? country(m.country) : '')),
        cell('dash.sms.purpose', textOr(`dash.sms.purpose.${m.purpose}`, m.purpose)),
        cell('dash.state', h('div', {}, state(m), ' ', m.test && badge(t('dash.sms.test'))), m.reason && h('div', { class: 'small quiet' }, textOr(`dash.sms.reason.${m.reason}`, m.reason)),
          m.undelivered_reason && h('div', { class: 'small quiet' }, textOr(`dash.sms.undelivered.${m.undelivered_reason}`, m.undelivered_reason))),
        cell('dash.sms.price', usd(m.price_usd), m.price_usd > 0 && ['failed', 'undelivered'].includes(m.status) && h('div', { class: 'small quiet' }, t('dash.sms.counted'))))))), more.length > 0 ? h('div', { class: 'actions' }, more) : '');
  }
  const save = exporting({ name: 'text-messages', columns: ['created_at', 'phone_number', 'country', 'purpose', 'status', 'reason', 'undelivered_reason', 'verified_at', 'price_usd', 'test', 'user_id', 'network', 'id'], async read(from) {
    const { data, has_more: older } = await ask('GET', query(500, from));
    return { next: older && data.at(-1)?.created_at, rows: data.map((m) => [instant(m.created_at), m.phone_number, m.country, m.purpose, m.status, m.reason, m.undelivered_reason, instant(m.verified_at), m.price_usd, m.test, m.user_id, m.network, m.id]) };
  } });
  pages.first();
  return h('section', { class: 'card stack' }, h('div', { class: 'section-head' }, h('div', { class: 'tight' }, head, h('p', { class: 'small quiet' }, t('dash.sms.log.text'))), save), h('div', { class: 'filters' }, days.fields), body);
}
