// Entries of an audit log in words, for the account and for the dashboard.

import { date, h, icon, labelled, number, strategyShapes, t, textOr } from './page.js';

const families = { user: 'person', factor: 'shield', backup_code: 'key', code: 'key', password: 'lock', phone_number: 'sms', session: 'device', device: 'device', sign_in_token: 'key', sms: 'sms', settings: 'check', passkey: 'passkey', webhook: 'device' };
/** Events that are highlighted. */
const alarming = 'user.locked user.banned user.stranded recovery.requested recovery.reminder recovery.completed factor.disabled factor.reset passkey.counter_went_back code.wrong code.replayed password.wrong phone_number.refused sms.failed sms.undelivered sms.refused webhook.failed'.split(' ');

/** The display name of a type of events. */
export const typeName = (type) => textOr(`event.${type}`, type);

/** The actor of an entry, if it is not the user. The dashboard's entries have an operator, who may be unknown. */
function actorOf(e) {
  if (e.actor !== 'backend') return '';
  if (e.operator === undefined) return t('event.backend');
  return e.operator ? t('event.operator', { name: e.operator }) : t('event.team');
}

/** A value of a setting in words. */
function value(v) {
  if (typeof v === 'boolean') return t(v ? 'event.on' : 'event.off');
  if (Array.isArray(v)) return v.join(', ') || '–';
  if (v && typeof v === 'object') return Object.entries(v).map(([name, one]) => `${name} ${typeof one === 'number' ? number(one) : one}`).join(', ') || '–';
  return typeof v === 'number' ? number(v) : v || '–';
}

/** The settings of an entry, with their values before and after where the entry has them. */
function changesOf(e, settings) {
  const changes = e.changes ?? e.settings.map((setting) => ({ setting, from: null, to: null }));
  return changes.map(({ setting, from, to }) => (from === null && to === null ? settings(setting) : labelled(settings(setting), `${value(from)} → ${value(to)}`)));
}

/**
 * One entry as a row.
 *   subjects   a Map from ids to the elements that are shown for them
 *   settings   formats the name of a setting
 *   actions    elements at the end of the row
 */
export function eventRow(e, { subjects = new Map(), settings = (name) => name, actions } = {}) {
  const shape = alarming.includes(e.type) ? 'alert' : strategyShapes[e.strategy] ?? families[e.type.split('.')[0]] ?? 'info';
  const all = [e, ...(e.steps ?? [])];
  const ways = new Set(all.map((one) => textOr(`event.by.${one.strategy}`, '')).filter(Boolean));
  const what = [...new Set(all.map((one) => one.subject_id))].map((id) => subjects.get(id)?.cloneNode(true));
  const details = [
    ...ways, ...what.filter(Boolean), ...changesOf(e, settings), date(e.created_at),
    e.count > 1 && t('event.times', { count: number(e.count), when: date(e.last_at) }), actorOf(e),
  ].filter(Boolean);
  return h('li', { class: 'row' }, icon(shape), h('div', { class: 'what' }, h('div', {}, typeName(e.type)),
    h('div', { class: 'small quiet' }, details.flatMap((part, i) => (i > 0 ? [' · ', part] : [part]))), e.reason && h('div', { class: 'small' }, t('event.reason', { reason: e.reason }))),
  actions && h('div', { class: 'do' }, actions));
}
