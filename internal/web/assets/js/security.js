// The overview of an account's factors and sessions.

import { account } from './account.js';
import { activeSession, del, get, patch, post } from './api.js';
import { showCodes } from './codes.js';
import { button, confirm, load } from './form.js';
import { eventRow } from './events.js';
import { counted, date, h, icon, name, notice, page, phone, rich, say, show, t } from './page.js';
import { sensitively } from './reverify.js';
import { drawTop } from './top.js';

const few = 8; // events shown at first
let session, sessions, environment, trail;

load(page, async () => {
  session = await account();
  drawTop(session);
  [sessions, environment, trail] = await Promise.all([get('/me/sessions'), get('/environment'), get('/me/audit_events')]);
  draw();
});

const badge = (text, tone = '') => h('span', { class: `badge ${tone}` }, text);
const row = (shape, title, details, actions) => h('li', { class: 'row' }, icon(shape), h('div', { class: 'what' }, h('div', {}, title), details && h('div', { class: 'small quiet' }, details)), actions && h('div', { class: 'do' }, actions));
const section = (title, text, add, ...content) => h('section', { class: 'card tight', 'aria-label': title }, h('div', { class: 'section-head' }, h('div', {}, h('h2', {}, title), text && h('p', { class: 'small quiet' }, text)), add), content);
const link = (href, label, what) => h('a', { class: 'button short', href, 'aria-label': what && `${label}: ${what}` }, label);

/** Makes a change, with step-up where required, then updates the page and shows a message. */
async function change(request, said) {
  const answer = await sensitively(session.id, request);
  const key = document.activeElement?.dataset.key;
  session = activeSession(answer.client) ?? session;
  trail = await get('/me/audit_events').catch(() => trail);
  const codes = answer.response.backup_codes ?? [];
  if (codes.length > 0) { // new backup codes, which are shown only now
    const { classList } = document.getElementById('main');
    classList.add('narrow');
    await new Promise((done) => showCodes(page, codes, done));
    classList.remove('narrow');
  }
  draw();
  say(t(said));
  const next = (key && page.querySelector(`[data-key="${CSS.escape(key)}"]`)) || page.querySelector('h1');
  next.tabIndex = next.tabIndex < 0 ? -1 : next.tabIndex;
  next.focus();
}

const asked = (question, request, said) => async () => {
  if (await confirm(question)) await change(request, said);
};

function numberButtons(p) {
  const at = `/me/phone_numbers/${encodeURIComponent(p.id)}`;
  const act = (key, label, run, kind = '') => button(label, { kind: `short ${kind}`, 'data-key': `${key}-${p.id}`, 'aria-label': `${label}: ${p.phone_number}`, act: run });
  const remove = act('remove', t('button.remove'), asked({ title: rich('security.phone.remove', { number: phone(p.phone_number) }), text: t('security.phone.remove.text'), yes: t('button.remove') },
    () => del(at), 'security.removed'), 'plain danger');
  if (p.verification?.status !== 'verified') return [link(`/account/add-phone#${p.id}`, t('phone.verify'), p.phone_number), remove];
  if (!p.reserved_for_second_factor) {
    return [act('use', t('security.phone.use'), () => change(() => patch(at, { reserved_for_second_factor: 'true' }), 'security.phone.used')), remove];
  }
  return [
    !p.default_second_factor && act('default', t('security.phone.default'), () => change(() => patch(at, { default_second_factor: 'true' }), 'security.phone.defaulted')),
    act('stop', t('security.phone.stop'), asked({ title: t('security.phone.stop.title'), text: t('security.phone.stop.text'), yes: t('security.phone.stop') },
      () => patch(at, { reserved_for_second_factor: 'false' }), 'security.phone.stopped')),
    remove,
  ];
}

function numberRow(p) {
  const verified = p.verification?.status === 'verified';
  return row('sms', [phone(p.phone_number), p.default_second_factor && badge(t('security.default'), 'good'), !verified && badge(t('security.unverified'), 'warn')],
    t('security.added', { when: date(p.created_at) }), numberButtons(p));
}

function methods() {
  const { user } = session;
  const on = environment.auth_config.second_factors;
  const reserved = user.phone_numbers.filter((p) => p.reserved_for_second_factor && p.verification?.status === 'verified');
  const rest = user.phone_numbers.filter((p) => !reserved.includes(p));
  const removeApp = button(t('button.remove'), { kind: 'short plain danger', 'data-key': 'app', 'aria-label': `${t('button.remove')}: ${t('method.totp')}`,
    act: asked({ title: t('security.app.remove'), text: t('security.app.remove.text'), yes: t('button.remove') }, () => del('/me/totp'), 'security.removed') });
  return [
    on.includes('totp') && section(t('security.app'), t('security.app.text'), !user.totp_enabled && link('/account/add-authenticator', t('button.add'), t('security.app')),
      user.totp_enabled && h('ul', {}, row('app', [t('method.totp'), badge(t('security.on'), 'good')], null, removeApp))),
    on.includes('phone_code') && section(t('security.phones'), t('security.phones.text'), link('/account/add-phone', t('button.add'), t('security.phones')),
      reserved.length > 0 && h('ul', {}, reserved.map(numberRow))),
    rest.length > 0 && section(t('security.rest'), t('security.rest.text'), null, h('ul', {}, rest.map(numberRow))),
    on.includes('backup_code') && section(t('codes.title'), t(user.two_factor_enabled ? 'security.codes.text' : 'error.backup_codes_not_available'), user.two_factor_enabled && link('/account/backup-codes', t(user.backup_code_enabled ? 'codes.replace' : 'codes.make')),
      user.backup_code_enabled && h('ul', {}, row('key', [t('codes.title'), badge(t('security.on'), 'good')]))),
  ];
}

function devices() {
  const others = sessions.filter((s) => s.id !== session.id);
  const end = (list) => async () => {
    await sensitively(session.id, async () => {
      for (const s of list) await post(`/me/sessions/${encodeURIComponent(s.id)}/revoke`);
    }).finally(async () => { [sessions, trail] = await Promise.all([get('/me/sessions'), get('/me/audit_events')]); });
    draw();
    say(t('security.sessions.ended'));
    const title = page.querySelector('h1');
    title.tabIndex = -1;
    title.focus();
  };
  const all = others.length > 1 && button(t('security.sessions.others'), { kind: 'short', act: end(others) });
  return section(t('security.sessions'), null, all, h('ul', {}, [...sessions].sort((a, b) => (b.id === session.id) - (a.id === session.id) || b.last_active_at - a.last_active_at).map((s) => {
    const mine = s.id === session.id;
    const browser = s.latest_activity.browser_name || t('security.device');
    return row(s.latest_activity.is_mobile ? 'mobile' : 'device', [browser, mine && badge(t('security.this'), 'good')], t('security.active', { when: date(s.last_active_at) }),
      !mine && button(t('frame.signout'), { kind: 'short', 'aria-label': `${t('frame.signout')}: ${browser}, ${date(s.last_active_at)}`, act: end([s]) }));
  })));
}

/** The user's audit log, newest first. */
function events() {
  const subjects = new Map(session.user.phone_numbers.map((p) => [p.id, phone(p.phone_number)]));
  const list = (some) => some.map((e) => eventRow(e, { subjects: new Map([...subjects].map(([id, shown]) => [id, shown.cloneNode(true)])) }));
  const rest = trail.slice(few);
  return section(t('security.events'), t('security.events.text'), null, trail.length === 0 ? h('p', { class: 'quiet' }, t('event.none')) : h('ul', {}, list(trail.slice(0, few))),
    rest.length > 0 && h('details', {}, h('summary', {}, counted('security.events.more', rest.length)), h('ul', {}, list(rest))));
}

function draw() {
  const { user } = session;
  document.title = `${t('security.title')} · ${name}`;
  show(page, [
    h('div', { class: 'head' }, h('h1', {}, t('security.title')), h('p', { class: 'quiet' }, t('security.text'))),
    user.two_factor_enabled ? notice('good', h('p', {}, t('security.state.on'))) : notice('warn', h('p', {}, h('strong', {}, t('security.state.off')))),
    methods(), devices(), events(),
  ].flat(2).filter(Boolean), { focus: false });
}
