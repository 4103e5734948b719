// An audit log in pages, and whether its hash chain is intact.

import { exporting, instant } from './csv.js';
import { ask } from './dash.js';
import { eventRow } from './events.js';
import { button, failed } from './form.js';
import { badge, focusOn, h, number, t } from './page.js';

const size = 10;

/** The settings of an entry with their values, as JSON where the entry has them. */
const changed = (e) => e.changes.map(({ setting, from, to }) => (from === null && to === null ? setting : `${setting}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`)).join('; ');

/** The card of an audit log. It loads on its own, so that the page does not wait for it. */
export function trailOf({ path, title, text, subjects = () => new Map(), settings }) {
  const state = h('span', {});
  const body = h('div', { class: 'stack' });

  async function look(offset) {
    const { data, total_count: total, chain } = await ask('GET', `${path}?limit=${size}&offset=${offset}`);
    state.replaceChildren(total === 0 ? '' : chain.verified ? badge(t('dash.trail.whole'), 'good') : badge(t('dash.trail.broken', { at: number(chain.broken_at) }), 'bad'));
    const more = [
      offset > 0 && button(t('dash.newer'), { kind: 'short', act: () => go(offset - size) }),
      offset + size < total && button(t('dash.older'), { kind: 'short', act: () => go(offset + size) }),
    ].filter(Boolean);
    body.replaceChildren(data.length === 0 ? h('p', { class: 'quiet' }, t('event.none')) : h('ul', {}, data.map((e) => eventRow(e, { subjects: subjects(), settings }))),
      total === 0 ? '' : save, more.length > 0 ? h('div', { class: 'section-head' }, h('p', { class: 'small quiet', role: 'status' }, t('dash.trail.shown', { from: number(offset + 1), to: number(offset + data.length), total: number(total) })), h('div', { class: 'actions' }, more)) : '');
  }
  async function go(offset) {
    await look(offset);
    focusOn(head);
  }
  const save = exporting({ name: 'audit', columns: ['sequence', 'created_at', 'type', 'actor', 'operator', 'reason', 'strategy', 'subject_id', 'count', 'last_at', 'changes', 'hash'], async read(offset = 0) {
    const { data, total_count: total } = await ask('GET', `${path}?limit=500&offset=${offset}`);
    return { next: data.length > 0 && offset + data.length < total && offset + data.length,
      rows: data.map((e) => [e.sequence, instant(e.created_at), e.type, e.actor, e.operator, e.reason, e.strategy, e.subject_id, e.count, instant(e.last_at), changed(e), e.hash]) };
  } });
  const load = () => look(0).catch((problem) => body.replaceChildren(failed(problem, load)));
  const head = h('h2', {}, title);
  load();
  return h('section', { class: 'card tight' }, h('div', { class: 'section-head' }, h('div', {}, head, text && h('p', { class: 'small quiet' }, text)), state), body);
}
