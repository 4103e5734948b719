// The overview of an account's factors and sessions.

import { account } from './account.js';
import { activeSession, del, get, mustEnrolLater, patch, post } from './api.js';
import { showCodes } from './codes.js';
import { deadline, mustKeep } from './due.js';
import { browserOf, deviceOf, networkOf } from './device.js';
import { devices } from './devices.js';
import { eventRow } from './events.js';
import { addedAndUsed, ownName } from './factordetails.js';
import { renaming } from './factorrename.js';
import { fold } from './fold.js';
import { button, confirm, load } from './form.js';
import { badge, counted, date, day, focusOn, focusTitle, h, labelled, name, notice, number, page, phone, rich, say, show, t } from './page.js';
import { passkeys } from './passkeys.js';
import { rememberedDevices } from './remembered.js';
import { sensitively } from './reverify.js';
import { recoveryNotice } from './recovery.js';
import { firstOf, row, section } from './rows.js';
import { drawTop } from './top.js';

const few = 8; // events shown at first
let session, sessions, environment, trail, remembered;

load(page, async () => {
  session = await account();
  drawTop(session);
  [sessions, environment, trail] = await Promise.all([get('/me/sessions'), get('/environment'), get('/me/audit_events')]);
  remembered = await readRemembered();
  draw();
});

const readRemembered = async () => (environment.remember_device_days > 0 ? get('/me/remembered_devices') : []);
const readAgain = async () => { [sessions, trail, remembered] = await Promise.all([get('/me/sessions'), get('/me/audit_events'), readRemembered()]); };

const link = (href, label, what, kind = 'short') => h('a', { class: `button ${kind}`, href, 'aria-label': what && labelled(label, what) }, label);

/** Makes a change, with step-up where required, then updates the page and shows a message. */
async function change(request, said) {
  const answer = await sensitively(session.id, request);
  const key = document.activeElement?.dataset.key;
  session = activeSession(answer.client) ?? session;
  [trail, remembered] = await Promise.all([get('/me/audit_events'), readRemembered()]).catch(() => [trail, remembered]);
  const codes = answer.response.backup_codes ?? [];
  if (codes.length > 0) await present(codes);
  draw();
  say(t(said));
  const same = key && page.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (same) focusOn(same);
  else focusTitle();
}

/** Shows new backup codes, which are shown only now, until they are saved. */
async function present(codes) {
  const { classList } = document.getElementById('main');
  classList.add('narrow');
  await new Promise((done) => showCodes(page, codes, done, { who: session.public_user_data.identifier }));
  classList.remove('narrow');
}

const asked = (question, request, said) => async () => {
  if (await confirm(question)) await change(request, said);
};

const verified = (p) => p.verification?.status === 'verified';
const numbersInUse = () => session.user.phone_numbers.filter((p) => p.reserved_for_second_factor && verified(p));

/** The button that ends the use of a second factor. Without the last one, a password alone opens the account, and the dialog says so. */
function ending(label, { question, request, said, ...properties }) {
  const { user } = session;
  const last = numbersInUse().length + (user.totp_enabled ? 1 : 0) === 1;
  if (last && mustKeep(user)) {
    return h('div', { class: 'tight' }, button(label, { ...properties, 'aria-disabled': 'true', 'aria-describedby': 'required', act: () => {} }),
      h('p', { class: 'small quiet', id: 'required' }, t('error.second_factor_deletion_not_allowed')));
  }
  const off = { title: t('security.last'), text: t(user.backup_code_enabled ? 'security.last.codes' : 'security.last.text'), yes: t('security.last.yes') };
  return button(label, { ...properties, act: asked(last ? off : question, request, last ? 'security.last.done' : said) });
}

function numberButtons(p, name) {
  const at = `/me/phone_numbers/${encodeURIComponent(p.id)}`;
  const named = t('security.phone.named', { digits: p.phone_number.slice(-4) });
  const properties = (key, label, kind = '') => ({ kind: `short ${kind}`, 'data-key': `${key}-${p.id}`, 'aria-label': labelled(label, named) });
  const act = (key, label, run) => button(label, { ...properties(key, label), act: run });
  const used = verified(p) && p.reserved_for_second_factor;
  const gone = {
    question: { title: rich('security.phone.remove', { number: phone(p.phone_number) }), text: t('security.phone.remove.text'), yes: t('button.remove') },
    request: () => del(at), said: 'security.phone.removed', ...properties('remove', t('button.remove'), 'plain danger'),
  };
  const remove = used ? ending(t('button.remove'), gone) : button(t('button.remove'), { ...gone, act: asked(gone.question, gone.request, gone.said) });
  const rename = renaming({ key: p.id, what: named, name, save: (text) => patch(at, { name: text }), renamed });
  if (!verified(p)) return [link(`/account/add-phone#${p.id}`, t('phone.verify'), named), remove];
  if (!used) return [act('use', t('security.phone.use'), () => change(() => patch(at, { reserved_for_second_factor: 'true' }), 'security.phone.used')), rename, remove];
  return [
    !p.default_second_factor && act('default', t('security.phone.default'), () => change(() => patch(at, { default_second_factor: 'true' }), 'security.phone.defaulted')),
    ending(t('security.phone.stop'), {
      question: { title: t('security.phone.stop.title'), text: t('security.phone.stop.text'), yes: t('security.phone.stop') },
      request: () => patch(at, { reserved_for_second_factor: 'false' }), said: 'security.phone.stopped', ...properties('stop', t('security.phone.stop')),
    }),
    rename, remove,
  ];
}

/** What the API says of a factor beside Clerk's resources: its name, and when it was added and last used. */
const detailOf = (match) => session.user.factor_details?.find(match) ?? {};
const renamed = (answer) => change(async () => answer, 'security.renamed');

function numberRow(p) {
  const detail = detailOf((d) => d.id === p.id);
  const title = [phone(p.phone_number), ownName(detail.name), p.default_second_factor && badge(t('security.default'), 'good'), !verified(p) && badge(t('security.unverified'), 'warn')];
  return row('sms', title, verified(p) ? addedAndUsed(detail) : [t('factor.added', { when: day(p.created_at) })], [numberButtons(p, detail.name)]);
}

function appRow() {
  const label = t('button.remove');
  const detail = detailOf((d) => d.strategy === 'totp');
  return row('app', [t('method.totp'), ownName(detail.name), badge(t('security.on'), 'good')], addedAndUsed(detail), [
    renaming({ key: 'app', what: t('method.totp'), name: detail.name, save: (name) => patch('/me/totp', { name }), renamed }),
    ending(label, {
      question: { title: t('security.app.remove'), text: t('security.app.remove.text', { who: session.public_user_data.identifier }), yes: label },
      request: () => del('/me/totp'), said: 'security.app.removed', kind: 'short plain danger', 'data-key': 'app', 'aria-label': labelled(label, t('method.totp')),
    })]);
}

/** The set of backup codes: how many are left, and since when. */
function codesRow({ left, used, created_at: made }) {
  const count = t('factor.codes.left', { left: number(left), total: number(left + used) });
  return row('key', [t('codes.title'), badge(count, left > 3 ? 'good' : 'warn')], [t('codes.file.made', { when: day(made) })]);
}

function methods() {
  const { user } = session;
  const on = environment.auth_config.second_factors;
  const rest = user.phone_numbers.filter((p) => !numbersInUse().includes(p));
  const app = user.two_factor_enabled ? t('security.app') : [t('security.app'), ' ', badge(t('security.recommended'), 'good')];
  return [
    passkeys(session, environment, change),
    on.includes('totp') && section(app, t('security.app.text'), !user.totp_enabled && link('/account/add-authenticator', t('button.add'), t('security.app')), user.totp_enabled && h('ul', {}, appRow())),
    on.includes('phone_code') && section(t('security.phones'), t('security.phones.text'), link('/account/add-phone', t('button.add'), t('security.phones')),
      numbersInUse().length > 0 && h('ul', {}, numbersInUse().map(numberRow))),
    rest.length > 0 && section(t('security.rest'), t('security.rest.text'), null, h('ul', {}, rest.map(numberRow))),
    on.includes('backup_code') && section(t('codes.title'), t(user.two_factor_enabled ? 'security.codes.text' : 'error.backup_codes_not_available'), user.two_factor_enabled && link('/account/backup-codes', t(user.backup_code_enabled ? 'codes.replace' : 'codes.make')),
      user.backup_codes && h('ul', {}, codesRow(user.backup_codes))),
  ];
}

/** Ends sessions and shows those that are left. */
const end = (s) => endBy(() => sensitively(session.id, () => post(`/me/sessions/${encodeURIComponent(s.id)}/revoke`)));

async function endBy(request) {
  await request().finally(readAgain);
  draw();
  say(t('security.sessions.ended'));
  focusTitle();
}

/** Signs all other devices out, with one request. */
const revokeOthers = () => sensitively(session.id, () => post('/me/sessions/revoke_others'));

async function endOthers(count) {
  if (await confirm({ title: t('security.sessions.sure'), text: t('security.sessions.sure.text', { count: number(count) }), yes: t('frame.signout') })) await endBy(revokeOthers);
}

/** What a person does about an event that another person caused: signs the others out, gets new backup codes, and is led to the password. */
async function notMe() {
  const codes = session.user.backup_code_enabled;
  if (!(await confirm({ title: t('security.notme.title'), text: t(codes ? 'security.notme.text' : 'security.notme.plain'), yes: t('security.notme.yes') }))) return;
  await revokeOthers();
  if (codes) {
    const made = await sensitively(session.id, () => post('/me/backup_codes'));
    session = activeSession(made.client) ?? session;
    await present(made.response.codes);
  }
  await readAgain();
  const next = h('div', { class: 'notice good setup' }, h('p', {}, t('security.notme.done')), link('/account/password', t('password.change'), undefined, 'main'));
  draw(next);
  focusOn(next);
}

/** Forgets remembered devices and shows those that are left. */
async function forgetBy(path, said) {
  await del(`/me/remembered_devices${path}`).finally(readAgain);
  draw();
  say(t(said));
  focusTitle();
}

const forget = (device) => forgetBy(`/${encodeURIComponent(device.id)}`, 'remembered.forgotten');

async function forgetAll() {
  if (await confirm({ title: t('remembered.all.sure'), text: t('remembered.all.text'), yes: t('remembered.all') })) await forgetBy('', 'remembered.all.done');
}

/** Acts of the user that another person may have done, and that the user can undo. */
const doubtful = 'session.created session.reverified device.remembered factor.added factor.removed factor.disabled factor.default_changed backup_code.used backup_code.made password.changed password.wrong phone_number.added phone_number.verified code.wrong code.replayed'.split(' ');
const isDoubtful = (e) => doubtful.includes(e.type) && e.actor === 'user' && (!isHere(e.subject_id) || e.count > 1);
/** Whether an id is that of this session or device. */
const isHere = (id) => id === session.id || remembered.some((d) => d.current && d.id === id);

/** The user's audit log, newest first. */
function events() {
  const subjects = new Map(session.user.phone_numbers.map((p) => [p.id, phone(p.phone_number)]));
  for (const p of session.user.passkeys) subjects.set(p.id, h('bdi', {}, p.name));
  for (const s of sessions) subjects.set(s.id, h('span', {}, deviceOf(s), networkOf(s) ? [' · ', networkOf(s)] : []));
  for (const d of remembered) subjects.set(d.id, h('span', {}, browserOf(d)));
  const doubt = (e) => isDoubtful(e) && button(t('security.notme'), { kind: 'short plain', 'aria-label': labelled(t('security.notme'), `${t(`event.${e.type}`)}, ${date(e.created_at)}`), act: notMe });
  const rows = fold(trail).map((e) => eventRow(e, { subjects, actions: doubt(e) }));
  return section(t('security.events'), t('security.events.text'), null, rows.length === 0 ? h('p', { class: 'quiet' }, t('event.none'))
    : firstOf(rows, few, counted('security.events.more', rows.length - few)));
}

/** Whether two-step sign-in is on, and else the way to it. */
function state() {
  const { user } = session;
  if (user.two_factor_enabled) return notice('good', h('p', {}, t('security.state.on')));
  const way = { totp: '/account/add-authenticator', phone_code: '/account/add-phone' };
  const first = Object.keys(way).find((strategy) => environment.auth_config.second_factors.includes(strategy));
  return h('div', { class: 'notice warn setup' }, h('div', {}, h('p', {}, h('strong', {}, t('security.state.off'))), mustEnrolLater(user) && h('p', {}, t('setup.due', { when: deadline(user) }))), first && link(way[first], t('security.setup'), undefined, 'main'));
}

/** The password: when it was changed, and the way to change it. */
function password() {
  const { password_enabled: has, password_last_updated_at: when } = session.user;
  return section(t('password.label'), has ? when && t('password.last', { when: date(when) }) : t('password.unset'), link('/account/password', t(has ? 'password.change' : 'password.set')));
}

/** Cancels the recovery. The second factor of a step-up, or an administrator, may have cancelled it already. */
const cancelRecovery = () => del('/me/recovery').catch(async (problem) => {
  if (problem.code !== 'resource_not_found') throw problem;
  return { response: {}, client: (await get('/client')).response };
});

/** Shows the page, with what to do next at its begin. */
function draw(next) {
  document.title = `${t('security.title')} · ${name}`;
  show(page, [
    h('div', { class: 'head' }, h('h1', {}, t('security.title')), h('p', { class: 'quiet' }, t('security.text'))),
    next, recoveryNotice(session.user, () => change(cancelRecovery, 'recovery.cancelled')), state(), methods(), password(), devices(sessions, session.id, { end, endOthers }), rememberedDevices(remembered, { forget, forgetAll }), events(),
  ].flat(2).filter(Boolean), { focus: false });
}
