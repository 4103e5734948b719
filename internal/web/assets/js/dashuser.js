// One user: factors, lock, ban, sessions, and the reset of multi-factor.

import { ask, drawTabs, factors, nameOf, underName } from './dash.js';
import { askFirst } from './dashask.js';
import { createLink } from './dashlink.js';
import { passkeyRows } from './dashpasskeys.js';
import { requiredRow } from './dashrequired.js';
import { trailOf } from './dashtrail.js';
import { browserOf, daysOf, deviceOf, networkOf } from './device.js';
import { addedAndUsed, ownName } from './factordetails.js';
import { button, load } from './form.js';
import { ago, counted, date, duration, focusTitle, h, heading, icon, labelled, notice, number, page, phone, rich, say, show, t } from './page.js';
import { row, section } from './rows.js';

const id = decodeURIComponent(location.pathname.split('/').pop());
const at = `/v1/users/${encodeURIComponent(id)}`;
let user, sessions, remembered;
/** The largest number of sessions that a user can have. */
const mostSessions = 100;

drawTabs();
load(page, refresh);

async function refresh() {
  try {
    [user, sessions, remembered] = await Promise.all([ask('GET', at), ask('GET', `/v1/sessions?user_id=${encodeURIComponent(id)}&limit=${mostSessions}`), ask('GET', `${at}/remembered_devices`)]);
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

/** Shows a user after a change. */
async function changed(said) {
  await refresh();
  say(said);
  focusTitle();
}

/** A change without a question. */
const change = (method, path, said) => async () => {
  await ask(method, path);
  await changed(t(said));
};

/** A change that first says what it does and asks for a reason. */
const question = (method, path, said, { title, lines, yes, needed = false }) => async () => {
  if (await askFirst({ title, lines, yes, needed, act: (reason) => ask(method, path, {}, reason) })) await changed(said);
};

/** The button that removes a factor or a number. The question says what goes with it. */
const remove = (path, what, lines) => button(t('button.remove'), { kind: 'short plain danger', 'aria-label': labelled(t('button.remove'), what), act: question('DELETE', path, t('dash.done.gone', { what }), {
  title: t('dash.remove.sure', { what, who: nameOf(user) }), lines, yes: t('button.remove'),
}) });

function state() {
  const who = nameOf(user);
  const post = (verb, said, options) => question('POST', `${at}/${verb}`, t(said), { ...options, needed: true });
  const parts = [];
  if (user.banned) parts.push(row('lock', t('dash.banned'), t('dash.banned.text'), button(t('dash.unban'), { kind: 'short', act: change('POST', `${at}/unban`, 'dash.done.unban') })));
  else parts.push(row('person', t('dash.notbanned'), null, button(t('dash.ban'), { kind: 'short plain danger', act: post('ban', 'dash.done.ban', { title: t('dash.ban.sure', { who }), lines: [...ends(), t('dash.ban.text')], yes: t('dash.ban') }) })));
  if (user.locked) parts.push(row('lock', t('dash.islocked'), t('dash.locked.for', { time: duration(user.lockout_expires_in_seconds) }), button(t('dash.unlock'), { kind: 'short', act: change('POST', `${at}/unlock`, 'dash.done.unlock') })));
  else parts.push(row('check', t('dash.open'), t('dash.tries', { count: user.verification_attempts_remaining }), button(t('dash.lock'), { kind: 'short', act: post('lock', 'dash.done.lock', { title: t('dash.lock.sure', { who }), lines: [t('dash.lock.text'), ...stay()], yes: t('dash.lock') }) })));
  parts.push(requiredRow(user, at, changed));
  if (user.recovery) parts.push(row('clock', t('dash.recovery'), t('dash.recovery.text', { when: date(user.recovery.completes_at) }), button(t('dash.recovery.cancel'), { kind: 'short', act: change('DELETE', `${at}/recovery`, 'dash.done.recovery') })));
  const shut = user.banned || user.locked;
  parts.push(row('key', t('dash.link.made'), t(shut ? 'dash.link.shut' : 'dash.link.text'), !shut && button(t('dash.link'), { kind: 'short', act: async () => {
    if (await createLink(user)) await changed(t('dash.link.done'));
  } })));
  return section(t('dash.access'), null, null, h('ul', {}, parts));
}

const ends = () => (sessions.length > 0 ? [counted('dash.sessions.end', sessions.length)] : []);
const stay = () => (sessions.length > 0 ? [counted('dash.sessions.stay', sessions.length)] : []);
const reserved = () => user.phone_numbers.filter((p) => p.reserved_for_second_factor);

/** How the user signs in without a second factor. A reset ends no lock and no ban. */
const next = () => [
  t('dash.reset.after'), user.locked && t('dash.reset.shut.locked', { time: duration(user.lockout_expires_in_seconds) }), user.banned && t('dash.reset.shut.banned'),
].filter(Boolean);

/** What the user loses with a second factor. */
const loses = () => (reserved().length + Number(user.totp_enabled) > 1 ? [] : [t('dash.last.text'), ...next()]);

function reset() {
  const lost = [user.totp_enabled && t('dash.totp'), ...reserved().map((p) => phone(p.phone_number)), user.backup_code_enabled && t('dash.backup'), ...user.passkeys.map((p) => p.name)].filter(Boolean);
  return question('DELETE', `${at}/mfa`, t('dash.done.reset'), {
    title: t('dash.reset.sure', { who: nameOf(user) }), yes: t('dash.reset'), needed: true,
    lines: [h('div', {}, h('p', { class: 'quiet' }, t('dash.reset.removes')), h('ul', { class: 'listed' }, lost.map((one) => h('li', {}, one)))), ...stay(), ...next()],
  });
}

function secondFactors() {
  const list = [];
  const codes = user.backup_codes;
  const app = user.factor_details?.find((d) => d.strategy === 'totp') ?? {};
  if (user.totp_enabled) list.push(row('app', [t('dash.totp'), ownName(app.name)], addedAndUsed(app), remove(`${at}/totp`, t('dash.totp'), loses())));
  for (const p of user.phone_numbers) {
    const text = p.reserved_for_second_factor ? t(p.default_second_factor ? 'dash.phone.default' : 'dash.phone.reserved') : t(p.verification?.status === 'verified' ? 'dash.phone.verified' : 'dash.phone.unverified');
    const detail = user.factor_details?.find((d) => d.id === p.id) ?? {};
    const verified = p.verification?.status === 'verified';
    list.push(row('sms', [phone(p.phone_number), ownName(detail.name)], [text, ...(verified ? addedAndUsed(detail) : [])], remove(`/v1/phone_numbers/${encodeURIComponent(p.id)}`, p.phone_number, p.reserved_for_second_factor ? loses() : [])));
  }
  if (user.backup_code_enabled) list.push(row('key', t('dash.backup'), codes && t('factor.codes.left', { left: number(codes.left), total: number(codes.left + codes.used) }), remove(`${at}/backup_code`, t('dash.backup'), [])));
  list.push(...passkeyRows(user, addedAndUsed, (p) => remove(`${at}/passkeys/${encodeURIComponent(p.id)}`, p.name, [t('dash.passkey.gone')])));
  return section(t('dash.factors'), null, null, list.length > 0 ? h('ul', {}, list) : h('p', { class: 'quiet' }, t('dash.none.text')),
    user.two_factor_enabled && h('div', { class: 'row' }, h('div', { class: 'what small quiet' }, t('dash.reset.text')), button(t('dash.reset'), { kind: 'short danger', act: reset() })));
}

function live() {
  return section(t('dash.sessions'), null, null, sessions.length === 0 ? h('p', { class: 'quiet' }, t('dash.sessions.none')) : h('ul', {}, sessions.map((s) =>
    row(s.latest_activity.is_mobile ? 'mobile' : 'device', deviceOf(s),
      [s.status === 'pending' && t('dash.session.pending'), networkOf(s), h('span', {}, rich('dash.session.when', { when: ago(s.last_active_at) }))].filter(Boolean),
      button(t('dash.session.end'), { kind: 'short', 'aria-label': labelled(t('dash.session.end'), `${deviceOf(s)}, ${date(s.last_active_at)}`), act: change('POST', `/v1/sessions/${encodeURIComponent(s.id)}/revoke`, 'dash.done.session') })))));
}

/** When the user was created and last signed in. */
const since = () => [rich('dash.user.created', { when: ago(user.created_at) }), ' · ', user.last_sign_in_at ? rich('dash.user.signedin', { when: ago(user.last_sign_in_at) }) : t('dash.user.never')];

/** The devices on which the user needs no second factor; nothing without any. */
function rememberedCard() {
  const label = t('device.forget');
  return remembered.data.length > 0 && section(t('device.remembered'), null, null, h('ul', {}, remembered.data.map((d) => row(d.is_mobile ? 'mobile' : 'device', browserOf(d), [daysOf(d)],
    button(label, { kind: 'short', 'aria-label': labelled(label, `${browserOf(d)}, ${daysOf(d)}`), act: change('DELETE', `${at}/remembered_devices/${encodeURIComponent(d.id)}`, 'dash.done.forgotten') })))));
}

function draw() {
  show(page, [
    h('p', {}, h('a', { href: '/dashboard/users' }, t('dash.back'))),
    h('div', { class: 'head' }, heading('h1', null, nameOf(user), underName(user)), h('div', { class: 'actions' }, factors(user)), h('p', { class: 'small quiet' }, h('bdi', {}, user.id)), h('p', { class: 'small quiet' }, since())),
    user.locked && notice('warn', h('p', {}, t('dash.locked.for', { time: duration(user.lockout_expires_in_seconds) }))),
    h('div', { class: 'grid' }, h('div', { class: 'stack' }, secondFactors(), state()), h('div', { class: 'stack' }, live(), rememberedCard(), trailOf({ path: `${at}/audit_events`, title: t('dash.trail'), text: t('dash.trail.text'), subjects: () => new Map([...user.phone_numbers.map((p) => [p.id, phone(p.phone_number)]), ...user.passkeys.map((p) => [p.id, h('bdi', {}, p.name)])]) }))),
  ].filter(Boolean), { focus: false, title: nameOf(user) });
}
