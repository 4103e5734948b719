// The log of a webhook endpoint: the last tries to deliver, with their outcome, and one event sent again.

import { ask } from './dash.js';
import { typeName } from './events.js';
import { button, dialog, failed } from './form.js';
import { badge, date, h, has, icon, labelled, lang, number, say, show, t } from './page.js';

const at = (e, what) => `/v1/webhook_endpoints/${encodeURIComponent(e.id)}/${what}`;
const tries = async (e) => (await ask('GET', at(e, 'deliveries'))).data;
const milliseconds = (n) => new Intl.NumberFormat(lang, { style: 'unit', unit: 'millisecond' }).format(n);

/** Why a try failed, in a sentence. */
const why = (d) => (has(`dash.hooks.why.${d.reason}`) ? t(`dash.hooks.why.${d.reason}`, { status: d.http_status ?? '' }) : d.reason);
const outcome = (d) => badge(d.status === 'delivered' ? t('dash.hooks.delivered') : t('dash.hooks.failed'), d.status === 'delivered' ? 'good' : 'bad');

/** The last try in words: for the row of an endpoint. */
export async function lastTry(e) {
  const [last] = await tries(e);
  return last ? [outcome(last), ' ', h('span', { class: 'small quiet' }, t('dash.hooks.last', { when: date(last.created_at) }), last.reason && ` · ${why(last)}`)] : [];
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Waits for a new try of an event. A worker delivers each second, in AWS each minute. Returns nothing after two minutes. */
async function nextTry(e, event, known = 0) {
  for (let waited = 0; waited < 120_000; waited += 2000) {
    await pause(waited < 4000 ? 700 : 2000);
    if (document.hidden) continue;
    const found = (await tries(e)).find((d) => d.event_id === event && d.created_at > known);
    if (found) return found;
  }
  return undefined;
}

/** Sends a test, and says what became of it when that is known. */
export async function sendTest(e, done) {
  const { id } = await ask('POST', at(e, 'test'));
  say(t('dash.hooks.tested'));
  nextTry(e, id).then((d) => {
    if (!d) return;
    say(d.status === 'delivered' ? t('dash.hooks.arrived', { status: d.http_status, time: milliseconds(d.duration_ms) }) : t('dash.hooks.lost', { why: why(d) }));
    done();
  }).catch(() => {}); // the test is sent, and the log shows the rest
}

/** Shows the log of an endpoint in a dialog. */
export const showTries = (e) => dialog((box, close) => {
  const body = h('div', { class: 'stack' });
  async function look() {
    const list = await tries(e);
    const row = (d) => {
      const details = [d.reason && why(d), t('dash.hooks.attempt', { count: number(d.attempt) }), milliseconds(d.duration_ms), date(d.created_at), d.next_attempt_at && t('dash.hooks.next', { when: date(d.next_attempt_at) })];
      return h('li', { class: 'row' }, icon(d.status === 'delivered' ? 'check' : 'alert'),
        h('div', { class: 'what' }, h('div', {}, typeName(d.type), outcome(d), d.http_status && h('span', { class: 'small quiet' }, d.http_status)),
          h('div', { class: 'small quiet' }, h('bdi', { dir: 'ltr' }, d.type), ` · ${details.filter(Boolean).join(' · ')}`)),
        !e.disabled && h('div', { class: 'do' }, button(t('dash.hooks.again'), { kind: 'short', 'aria-label': labelled(t('dash.hooks.again'), `${typeName(d.type)}, ${date(d.created_at)}`), act: () => again(d) })));
    };
    body.replaceChildren(list.length === 0 ? h('p', { class: 'quiet' }, t('dash.hooks.tries.none')) : h('ul', {}, list.map(row)));
  }
  async function again(d) {
    const newest = (await tries(e)).find((one) => one.event_id === d.event_id)?.created_at ?? 0;
    await ask('POST', at(e, 'replay'), { event_id: d.event_id });
    say(t('dash.hooks.again.sent'));
    nextTry(e, d.event_id, newest).then((found) => found && body.isConnected && look()).catch(() => {});
  }
  const begin = () => look().catch((problem) => body.replaceChildren(failed(problem, begin)));
  show(box, [
    h('h2', {}, t('dash.hooks.tries')), h('p', { class: 'small quiet' }, h('bdi', { class: 'url', dir: 'ltr' }, e.url), ' · ', t('dash.hooks.tries.text')), body,
    button(t('button.close'), { kind: 'main wide', act: () => close(), 'data-focus': true }),
  ], { focus: false });
  begin();
});
