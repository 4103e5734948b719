// One user: factors, lock, ban, sessions, and the reset of multi-factor.

import { ask, badge, drawTabs, factors, focusTitle, nameOf } from './dash.js';
import { trailOf } from './dashtrail.js';
import { button, confirm, load } from './form.js';
import { date, duration, h, heading, icon, notice, page, phone, say, show, t } from './page.js';

const id = decodeURIComponent(location.pathname.split('/').pop());
const at = `/v1/users/${encodeURIComponent(id)}`;
let user, sessions;
/** The largest number of sessions that a user can have. */
const mostSessions = 100;

drawTabs();
load(page, refresh);

async function refresh() {
  try {
    [user, sessions] = await Promise.all([ask('GET', at), ask('GET', `/v1/sessions?user_id=${encodeURIComponent(id)}&limit=${mostSessions}`)]);
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    return missing();
  }
  draw();
}

/** The page of an id that no user has, such as that of a deleted user. */
function missing() {
  show(page, h('section', { class: 'card stack' }, heading('h1', 'person', t('dash.user.missing'), t('dash.user.missing.text')),
    h('a', { class: 'button main', href: '/dashboard/users' }, t('dash.back'))), { title: t('dash.user.missing') });
}

/** Makes a change and shows the result. A change that removes something asks first. */
const change = (method, path, said, question) => async () => {
  if (question && !(await confirm({ title: question, text: t('dash.sure', { who: nameOf(user) }), yes: t('confirm.yes') }))) return;
  await ask(method, path);
  await refresh();
  say(t(said));
  focusTitle();
};

const row = (shape, title, details, ...actions) => h('li', { class: 'row' }, icon(shape), h('div', { class: 'what' }, h('div', {}, title), details && h('div', { class: 'small quiet' }, details)), h('div', { class: 'do' }, actions));
const remove = (path, said, question, what) => button(t('button.remove'), { kind: 'short plain danger', 'aria-label': `${t('button.remove')}: ${what}`, act: change('DELETE', path, said, question) });
const card = (title, ...content) => h('section', { class: 'card tight' }, h('h2', {}, title), content);

function state() {
  const parts = [];
  if (user.banned) parts.push(row('lock', t('dash.banned'), t('dash.banned.text'), button(t('dash.unban'), { kind: 'short', act: change('POST', `${at}/unban`, 'dash.done.unban') })));
  else parts.push(row('person', t('dash.notbanned'), null, button(t('dash.ban'), { kind: 'short plain danger', act: change('POST', `${at}/ban`, 'dash.done.ban', t('dash.ban.sure')) })));
  if (user.locked) parts.push(row('lock', t('dash.islocked'), t('dash.locked.for', { time: duration(user.lockout_expires_in_seconds) }), button(t('dash.unlock'), { kind: 'short', act: change('POST', `${at}/unlock`, 'dash.done.unlock') })));
  else parts.push(row('check', t('dash.open'), t('dash.tries', { count: user.verification_attempts_remaining }), button(t('dash.lock'), { kind: 'short', act: change('POST', `${at}/lock`, 'dash.done.lock') })));
  return card(t('dash.access'), h('ul', {}, parts));
}

function secondFactors() {
  const list = [];
  if (user.totp_enabled) list.push(row('app', t('dash.totp'), null, remove(`${at}/totp`, 'dash.done.removed', t('dash.totp.sure'), t('dash.totp'))));
  for (const p of user.phone_numbers) {
    const text = p.reserved_for_second_factor ? t(p.default_second_factor ? 'dash.phone.default' : 'dash.phone.reserved') : t(p.verification?.status === 'verified' ? 'dash.phone.verified' : 'dash.phone.unverified');
    list.push(row('sms', phone(p.phone_number), text, remove(`/v1/phone_numbers/${encodeURIComponent(p.id)}`, 'dash.done.removed', t('dash.phone.sure'), p.phone_number)));
  }
  if (user.backup_code_enabled) list.push(row('key', t('dash.backup'), null, remove(`${at}/backup_code`, 'dash.done.removed', t('dash.backup.sure'), t('dash.backup'))));
  return card(t('dash.factors'), list.length > 0 ? h('ul', {}, list) : h('p', { class: 'quiet' }, t('dash.none.text')),
    user.two_factor_enabled && h('div', { class: 'row' }, h('div', { class: 'what small quiet' }, t('dash.reset.text')), button(t('dash.reset'), { kind: 'short danger', act: change('DELETE', `${at}/mfa`, 'dash.done.reset', t('dash.reset.sure')) })));
}

function live() {
  return card(t('dash.sessions'), sessions.length === 0 ? h('p', { class: 'quiet' }, t('dash.sessions.none')) : h('ul', {}, sessions.map((s) =>
    row('device', t(s.status === 'pending' ? 'dash.session.pending' : 'dash.session.active'), t('dash.session.when', { when: date(s.last_active_at) }),
      button(t('dash.session.end'), { kind: 'short', 'aria-label': `${t('dash.session.end')}: ${date(s.last_active_at)}`, act: change('POST', `/v1/sessions/${encodeURIComponent(s.id)}/revoke`, 'dash.done.session') })))));
}

function draw() {
  show(page, [
    h('p', {}, h('a', { href: '/dashboard/users' }, t('dash.back'))),
    h('div', { class: 'head' }, heading('h1', null, nameOf(user), user.email_addresses[0]?.email_address ?? user.username ?? ''), h('div', { class: 'actions' }, factors(user)), h('p', { class: 'small quiet' }, h('bdi', {}, user.id))),
    user.locked && notice('warn', h('p', {}, t('dash.locked.for', { time: duration(user.lockout_expires_in_seconds) }))),
    h('div', { class: 'grid' }, h('div', { class: 'stack' }, secondFactors(), state()), h('div', { class: 'stack' }, live(), trailOf({ path: `${at}/audit_events`, title: t('dash.trail'), text: t('dash.trail.text'), subjects: () => new Map(user.phone_numbers.map((p) => [p.id, phone(p.phone_number)])) }))),
  ].filter(Boolean), { focus: false, title: nameOf(user) });
}
