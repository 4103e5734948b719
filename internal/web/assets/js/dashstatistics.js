// The dashboard's statistics by day.

import { chart, ranking } from './chart.js';
import { ask, drawTabs, usd } from './dash.js';
import { typeName } from './events.js';
import { field, load } from './form.js';
import { counted, country, h, heading, lang, notice, number, page, show, t, textOr } from './page.js';
import { address, dayLength, period } from './period.js';

const spans = [7, 30, 90];
const most = 90; // days of a request

drawTabs();
load(page, async () => {
  const choose = h('select', {}, spans.map((days) => h('option', { value: days }, counted('dash.statistics.last', days))), h('option', { value: '' }, t('dash.statistics.choose')));
  const body = h('div', { class: 'grid' });
  const days = period(() => look(), { utc: true });
  const range = h('div', { class: 'filters' }, days.fields);
  const own = () => address.get('from') || address.get('to');
  choose.value = own() ? '' : spans[1];

  /** The days that are asked for: the chosen ones, which end today if no last day is chosen. Nothing if they are too many. */
  function wanted() {
    if (choose.value) return `days=${choose.value}`;
    const { from, before } = days.bounds() ?? {};
    const last = before ? before - 1 : Date.now();
    const count = from ? Math.floor(last / dayLength) - Math.floor(from / dayLength) + 1 : spans[1];
    return count >= 1 && count <= most ? `days=${count}&until=${last}` : undefined;
  }
  const look = () => load(body, async () => {
    range.hidden = choose.value !== '';
    const query = wanted();
    if (query) draw(body, await ask('GET', `/v1/statistics?${query}`), choose.value);
    else show(body, notice('warn', h('p', {}, t('dash.period.long'))), { focus: false });
  });
  choose.addEventListener('change', () => {
    if (choose.value) address.set({ from: '', to: '' });
    look();
  });
  show(page, [h('div', { class: 'section-head' }, heading('h1', null, t('dash.statistics.title'), `${t('dash.statistics.text')} ${zone()}`), field({ label: t('dash.statistics.time'), control: choose }).element), range, body], { focus: false });
  await look();
});

/** The hour of the visitor's clock at which a day in UTC begins. */
function zone() {
  const midnight = new Date().setUTCHours(0, 0, 0, 0);
  const format = new Intl.DateTimeFormat(lang, { timeStyle: 'short' });
  return t('dash.statistics.zone', { time: format.format(midnight), zone: format.resolvedOptions().timeZone });
}

/** Labels of the days, long and short. Days are in UTC, as the server counts them. */
function daysOf(list) {
  const write = (options) => list.map((day) => new Intl.DateTimeFormat(lang, { ...options, timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`)));
  return { labels: write({ dateStyle: 'medium' }), marks: write({ day: 'numeric', month: 'short' }) };
}

/** Cost by country and day: the most expensive countries by name, the others as one. */
function spending(messages, days, time) {
  const shown = messages.length > 5 ? messages.slice(0, 4) : messages;
  const rest = messages.slice(shown.length);
  const series = shown.map((c) => ({ name: c.country ? country(c.country) : t('dash.statistics.rest'), values: c.spent_usd }));
  if (rest.length > 0) series.push({ name: t('dash.statistics.rest'), values: days.map((_, i) => rest.reduce((sum, c) => sum + c.spent_usd[i], 0)) });
  const sum = (what) => messages.flatMap((c) => c[what]).reduce((a, b) => a + b, 0);
  const text = t('dash.statistics.spent.text', { amount: usd(sum('spent_usd')), count: number(sum('sent')), refused: number(sum('refused')), time });
  return h('section', { class: 'card stack' }, chart({ title: t('dash.statistics.spent'), text, series, format: usd, ...daysOf(days) }),
    messages.length > 1 && ranking(messages.map((c) => ({ label: c.country ? country(c.country) : t('dash.statistics.rest'), value: c.total_usd, text: usd(c.total_usd) }))));
}

function draw(body, { days, verifications, failures, text_messages: messages }, last) {
  const { labels } = daysOf([days[0], days.at(-1)]);
  const time = last ? counted('dash.statistics.last', days.length) : days.length === 1 ? labels[0] : labels.join(' – ');
  const series = (list, name) => list.map((s) => ({ name: name(s.name), values: s.counts, total: s.total }));
  const total = (list) => list.reduce((sum, s) => sum + s.total, 0);
  const verified = series(verifications, (by) => textOr(`event.by.${by}`, by));
  const failed = series(failures, typeName);
  const card = (content) => h('section', { class: 'card' }, content);
  body.replaceChildren(...[
    card(chart({
      title: t('dash.statistics.verified'), series: verified, ...daysOf(days),
      text: verified.length > 0 ? t('dash.statistics.verified.text', { count: number(total(verified)), time, most: verified[0].name }) : t('dash.statistics.verified.none', { time }),
    })),
    card(chart({
      title: t('dash.statistics.failed'), series: failed, kind: 'lines', ...daysOf(days),
      text: t('dash.statistics.failed.text', { count: number(total(failed)), time }),
    })),
    spending(messages, days, time),
  ]);
}
