// The event log of the instance: filters, pages, and the export.

import { exporting, instant } from './csv.js';
import { ask, nameOf, settingName, userPath } from './dash.js';
import { eventRow, typeName } from './events.js';
import { button, field, form } from './form.js';
import { h, t } from './page.js';
import { pager } from './pager.js';
import { address, period } from './period.js';

const size = 20;
/** The types of events that the log has. */
export const types = ('user.created user.updated user.deleted user.locked user.unlocked user.banned user.unbanned user.mfa_required user.mfa_optional user.stranded username.changed factor.added factor.removed '
  + 'factor.reset factor.disabled factor.default_changed code.sent code.replayed backup_code.made backup_code.used backup_code.removed password.changed phone_number.added '
  + 'phone_number.verified phone_number.unverified phone_number.removed phone_number.refused sms.failed sms.undelivered sign_in_token.created session.created session.ended session.removed '
  + 'session.revoked session.all_revoked session.others_revoked session.reverified device.remembered device.forgotten recovery.requested recovery.reminder recovery.cancelled '
  + 'recovery.completed passkey.counter_went_back settings.changed webhook.test webhook.failed').split(' ');
const userID = /^user_[a-z2-7]{26}$/;

const names = new Map(); // of users by id

/** Reads the names of the users of some events. Users who are deleted have none. */
async function nameAll(events) {
  const unknown = [...new Set(events.map((e) => e.user_id).filter((id) => id && !names.has(id)))];
  if (unknown.length === 0) return;
  const users = await ask('GET', `/v1/users?limit=${unknown.length}&${unknown.map((id) => `user_id=${encodeURIComponent(id)}`).join('&')}`);
  for (const id of unknown) names.set(id, '');
  for (const u of users) names.set(u.id, nameOf(u));
}

function row(e) {
  const drawn = eventRow({ ...e, count: 1 }, { settings: settingName });
  if (!e.user_id) return drawn;
  const name = names.get(e.user_id);
  const who = name === '' ? h('span', { title: e.user_id }, t('dash.events.gone')) : h('a', { href: userPath(e.user_id) }, h('bdi', {}, name ?? t('dash.user')));
  drawn.querySelector('.small').append(' · ', who);
  return drawn;
}

/** The field that chooses a user: {element, id()}. An id stays in the page's address, a name does not. */
function userFilter(changed) {
  const find = field({ label: t('dash.events.who'), hint: t('dash.events.who.hint'), type: 'search', autocomplete: 'off', maxlength: 320, value: address.get('user') });
  const choice = h('div', {});
  let chosen = userID.test(address.get('user')) ? address.get('user') : '';
  const choose = (id, name) => {
    chosen = id;
    if (name) find.input.value = name;
    choice.replaceChildren();
    address.set({ user: id });
    return changed();
  };
  find.input.addEventListener('input', () => { chosen = ''; });
  async function look() {
    const text = find.input.value.trim();
    choice.replaceChildren();
    if (text === '') return choose('');
    if (chosen) return choose(chosen);
    const deleted = userID.test(text); // the log has events of deleted users, too
    const users = deleted ? [{ id: text }] : await ask('POST', '/search', { text }).catch((problem) => {
      if (problem.status !== 422) throw problem;
      return [];
    });
    if (users.length === 0) return find.wrong(t('dash.events.who.none'));
    if (users.length === 1) return choose(users[0].id, deleted ? '' : nameOf(users[0]));
    choice.replaceChildren(h('div', { class: 'tight' }, h('p', { class: 'small', role: 'status' }, t('dash.events.who.many')), h('div', { class: 'actions' }, users.slice(0, size).map((u) =>
      button(nameOf(u), { kind: 'short', 'aria-label': [nameOf(u), u.email_addresses[0]?.email_address].filter(Boolean).join(', '), act: () => choose(u.id, nameOf(u)) })))));
    choice.querySelector('button').focus();
  }
  return { look, element: find.element, choice, id: () => chosen, clear() { find.input.value = chosen = ''; find.wrong(''); choice.replaceChildren(); address.set({ user: '' }); } };
}

/** The card of the event log, newest first. Its filters are in the page's address. */
export function eventLog() {
  const body = h('div', { class: 'stack' });
  const head = h('h2', {}, t('dash.events.log'));
  const pages = pager({ body, head, look });
  const type = h('select', {}, h('option', { value: '' }, t('dash.events.types')), types.map((name) => h('option', { value: name }, typeName(name) === name ? name : `${typeName(name)} (${name})`)));
  type.value = types.includes(address.get('type')) ? address.get('type') : '';
  type.addEventListener('change', () => {
    address.set({ type: type.value });
    pages.first();
  });
  const days = period(pages.first);
  const who = userFilter(pages.first);

  const query = (limit, from) => {
    const { after, before: until } = days.bounds() ?? {};
    const all = { limit, before: from, type: type.value, user_id: who.id(), created_at_after: after, created_at_before: until };
    return `/v1/events?${new URLSearchParams(Object.entries(all).filter(([, value]) => value))}`;
  };
  const filtered = () => type.value || who.id() || address.get('from') || address.get('to');

  async function look(from) {
    const { data, next } = await ask('GET', query(size, from));
    await nameAll(data).catch((problem) => { if (problem.status !== 503) throw problem; }); // the lists of users are being made
    const clear = filtered() && button(t('dash.events.all'), { kind: 'short', act: () => {
      type.value = '';
      address.set({ type: '' });
      who.clear();
      days.clear(); // reads the log again
    } });
    const buttons = [...pages.buttons(from, next), clear].filter(Boolean);
    const nothing = next ? 'dash.events.further' : filtered() ? 'dash.events.nothing' : 'event.none';
    body.replaceChildren(data.length === 0 ? h('p', { class: 'quiet', role: 'status' }, t(nothing)) : h('ul', {}, data.map(row)), buttons.length > 0 ? h('div', { class: 'actions' }, buttons) : '');
  }
  const save = exporting({ name: 'events', columns: ['created_at', 'type', 'actor', 'user_id', 'user', 'subject_id', 'strategy', 'network', 'settings', 'operator', 'reason', 'id'], async read(from) {
    const { data, next } = await ask('GET', query(500, from));
    return { next, rows: data.map((e) => [instant(e.created_at), e.type, e.actor, e.user_id, names.get(e.user_id), e.subject_id, e.strategy, e.network, e.settings.join(' '), e.operator, e.reason, e.id]) };
  } });
  pages.first();
  const filters = form({ fields: h('div', { class: 'filters' }, field({ label: t('dash.events.type'), control: type }).element, days.fields, who.element), more: who.choice, submit: button(t('dash.events.show'), { kind: 'short' }), act: who.look });
  return h('section', { class: 'card stack' }, h('div', { class: 'section-head' }, h('div', { class: 'tight' }, head, h('p', { class: 'small quiet' }, t('dash.events.log.text'))), save), filters, body);
}
