// The sign-in: a ticket, password or text message, then the second factor.

import { takeTicket, target } from './address.js';
import { Problem, activeSession, explain, get, mustEnrolLater, post, request } from './api.js';
import { challenge, isShut, proofOf, shutView, usable } from './challenge.js';
import { button, field, form, load, passwordField, problemNotice } from './form.js';
import { counted, h, heading, leaveFor, notice, page, show, support, t } from './page.js';

const host = h('section', { class: 'card stack' });

let ticket = takeTicket();

let texted = false; // whether phone_code is a first factor
let forgotten; // the application's page for forgotten passwords, if there is one
let days; // for how long a person may have the device remembered; 0 or undefined: not at all

let passkey; // a passkey as the first factor, where there is one
let environment;

async function start() {
  const [{ response: client }, settings] = await Promise.all([get('/client'), get('/environment')]);
  environment = settings;
  if (environment.user_settings.passkey_settings.show_sign_in_button) passkey = (await import('./passkeyfirst.js')).passkeyFirst(environment, client);
  texted = environment.user_settings.attributes.phone_number.used_for_first_factor;
  forgotten = environment.password_reset_url;
  days = environment.remember_device_days;
  const session = activeSession(client);
  page.replaceChildren(host);
  if (!navigator.cookieEnabled) return withoutCookies();
  if (ticket) {
    const given = ticket;
    ticket = null; // Back does not use it again
    return byTicket(given, session);
  }
  if (session) return go(session);
  if (client?.sign_in?.status === 'needs_second_factor') {
    identifier = client.sign_in.identifier ?? '';
    const sent = client.sign_in.second_factor_verification;
    return sent?.status === 'failed' ? byPassword(t('signin.failed')) : second(client.sign_in, sent);
  }
  return byPassword();
}

/** Ends a sign-in. A browser that refuses cookies lost the session at once, so the page says so and does not begin again. */
async function finish(answer) {
  if (!document.cookie.includes('__client_uat') && !activeSession((await get('/client')).response)) return withoutCookies();
  const session = activeSession(answer.client);
  if (mustEnrolLater(session.user)) return leaveFor(setup());
  if (answer.strategy === 'phone_code' && environment.user_settings.attributes.passkey.enabled) return offerPasskey(session);
  return answer.strategy === 'backup_code' && session.user.backup_codes ? codesLeft(session) : go(session);
}

/** Offers a passkey, if it is time for that. The module loads only now, and the sign-in is complete without it. */
async function offerPasskey(session) {
  const nudge = await import('./nudge.js').catch(() => undefined);
  return nudge?.mayOffer(session, environment) ? nudge.offer(host, session, () => go(session)) : go(session);
}

const few = 3; // backup codes left, from which the page leads to new ones

/** Says how many backup codes are left after one was used. */
function codesLeft(session) {
  const { left } = session.user.backup_codes;
  const title = counted('backup.left', left);
  show(host, [
    heading('h1', 'key', title, t(left > few ? 'backup.left.text' : 'backup.left.few'), left > few ? 'good' : 'bad'),
    button(t('button.continue'), { kind: 'main wide', act: () => go(session) }),
    left <= few && h('a', { class: 'button wide', href: '/account/backup-codes' }, t('codes.replace')),
  ], { title });
}

/** The page that enrols a second factor, and then goes on to where the sign-in was going. */
const setup = () => `/tasks/setup-mfa?redirect_url=${encodeURIComponent(target())}`;

function withoutCookies() {
  show(host, [heading('h1', 'alert', t('signin.cookies.title'), t('signin.cookies.text'), 'bad'), button(t('button.again'), { kind: 'main wide', act: () => location.reload() }), help()],
    { title: t('signin.cookies.title') });
}

/** What to show when the sign-in is over: another tab may have completed it. */
async function over(reason) {
  const session = activeSession((await get('/client').catch(() => ({}))).response);
  return session ? go(session) : byPassword(reason);
}

const go = (session) => leaveFor(session.status === 'pending' ? setup() : target());

/** Asks in a browser that is signed in, perhaps as another user. leave ends that session: { label, act }. */
function signedInAlready(session, text, leave) {
  show(host, [
    heading('h1', 'person', t('signin.already.title'), t(text, { who: session.public_user_data.identifier })),
    button(t('signin.already.stay'), { kind: 'main wide', act: () => go(session) }),
    button(t(leave.label), { kind: 'plain wide', act: leave.act }),
  ], { title: t('signin.already.title') });
}

const leaveAll = () => request('DELETE', '/v1/client/sessions');

/**
 * Signs in with a ticket. In a browser that is signed in as another user the API refuses that, and says before whether the
 * ticket works: so a used one never ends a session.
 *   session    the session of the browser, if there is one
 *   onOther    what to do when that session is another user's
 */
async function byTicket(given, session, onOther = askToLeave(given)) {
  show(host, [heading('h1', 'key', t('signin.ticket.title')), h('p', { role: 'status' }, t('signin.ticket.text'))]);
  try {
    await proceed(await post('/client/sign_ins', { strategy: 'ticket', ticket: given }));
  } catch (problem) {
    const current = session ?? (problem.code === 'session_exists' ? activeSession((await get('/client')).response) : undefined);
    if (current && problem.code === 'session_exists') return onOther(current);
    ticketFailed(problem, given, current);
  }
}

/** Asks whether to end another user's session. It ends only if the ticket still works after the answer. */
const askToLeave = (given) => (session) => signedInAlready(session, 'signin.already.text', { label: 'signin.already.leave', act: () => byTicket(given, session, async () => {
  await leaveAll();
  await byTicket(given);
}) });

function ticketFailed(problem, given, session) {
  const unused = problem.code === 'network' || problem.status >= 500;
  const way = unused ? [t('button.again'), () => byTicket(given, session)] : session ? [t('signin.already.stay'), () => go(session)] : [t('signin.password.instead'), () => byPassword()];
  show(host, [
    heading('h1', 'alert', t('signin.ticket.wrong'), undefined, 'bad'), problemNotice(problem), !unused && h('p', { class: 'quiet' }, t('signin.ticket.advice')),
    button(way[0], { kind: 'main wide', act: way[1] }), help(),
  ]);
}

let identifier = '';

/** Says that a password does not match, in the words for what the identifier looks like. */
function mismatch(text) {
  if (text.includes('@')) return t('signin.wrong.email');
  return t(/^[+(\d][\d\s().\/-]{5,}$/.test(text.normalize('NFKC')) ? 'signin.wrong.phone' : 'signin.wrong.username');
}

/** Another tab signed in while this form was open. As the same user, the page goes on. */
const elsewhere = () => load(host, async () => {
  const session = activeSession((await get('/client')).response);
  if (!session) return byPassword();
  return session.public_user_data.identifier.toLowerCase() === identifier.toLowerCase() ? go(session)
    : signedInAlready(session, 'signin.already.tab', { label: 'frame.signout', act: () => leaveAll().then(() => byPassword()) });
});

function byPassword(reason) {
  const alert = h('div', {}, reason && notice('bad', h('p', {}, reason)));
  const name = field({ label: t('signin.identifier'), name: 'username', required: true, autocomplete: passkey ? 'username webauthn' : 'username', value: identifier, 'data-focus': true, maxlength: 320 });
  const secret = passwordField({ label: t('password.label'), required: true, maxlength: 256 });
  const submit = button(t('button.continue'), { kind: 'main wide' });
  const wrong = (problem) => {
    const at = { identifier: name, password: secret }[problem.meta?.param_name];
    if (isShut(problem)) show(host, [shutView('h1', problem), again(), help()]);
    else if (at) at.wrong(problem.code === 'form_password_or_identifier_incorrect' ? mismatch(identifier) : explain(problem));
    else if (problem.code === 'session_exists') elsewhere();
    else alert.replaceChildren(problemNotice(problem));
  };
  const act = async () => {
    alert.replaceChildren();
    passkey?.stop();
    identifier = name.input.value.trim();
    if (identifier === '') return name.wrong(t('error.form_param_nil'));
    if (secret.input.value === '') return secret.wrong(t('error.form_param_nil'));
    await proceed(await post('/client/sign_ins', { strategy: 'password', identifier, password: secret.input.value }));
  };
  const byText = button(t('signin.text.instead'), { kind: 'plain wide', wrong, act: async () => {
    alert.replaceChildren();
    passkey?.stop();
    identifier = name.input.value.trim();
    if (identifier === '') return name.wrong(t('error.form_param_nil'));
    first((await post('/client/sign_ins', { identifier })).response);
  } });
  show(host, [heading('h1', null, t('signin.title'), t('signin.text')), passkey?.signInButton(proceed, wrong), form({ fields: [name.element, secret.element], submit, act, wrong, more: [ways(), alert] }), texted && byText], { title: t('signin.title') });
  passkey?.listen(proceed, wrong);
}

/** The first factor by text message, where the settings allow it. */
function first(signIn) {
  const factors = (signIn.supported_first_factors ?? []).filter((f) => f.strategy === 'phone_code');
  if (factors.length === 0) return byPassword(t('signin.text.none'));
  const at = `/client/sign_ins/${encodeURIComponent(signIn.id)}`;
  challenge(host, {
    factors, extra: [again(), help()],
    prepare: async (factor) => (await post(`${at}/prepare_first_factor`, { strategy: factor.strategy, phone_number_id: factor.phone_number_id })).response.first_factor_verification,
    attempt: async (factor, code) => ({ ...await post(`${at}/attempt_first_factor`, proofOf(factor, code)), strategy: factor.strategy }),
    done: proceed,
    expired,
  });
}

const expired = (problem) => over(t(problem.code === 'verification_failed' ? 'signin.failed' : 'signin.expired'));

const again = () => button(t('signin.again'), { kind: 'plain wide', act: () => byPassword() });

const helpLink = () => support && h('a', { href: support }, t('frame.support'));
const help = () => support && h('p', { class: 'small quiet' }, helpLink());

/** The links under the password: to the application's page for forgotten passwords, and to its support. */
const ways = () => (forgotten || support) && h('p', { class: 'small ways' }, forgotten && h('a', { href: forgotten }, t('signin.forgot')), helpLink());

function proceed(answer) {
  passkey?.stop();
  const signIn = answer.response;
  if (signIn.status === 'complete') return finish(answer);
  if (signIn.status !== 'needs_second_factor') throw new Problem('internal_clerk_error');
  // The browser's back button leads to the first step instead of leaving the page.
  history.pushState({ step: 'second' }, '');
  return second(signIn);
}

/** The choice to have the device remembered: {element, chosen()}. */
function remembering() {
  const input = h('input', { type: 'checkbox', 'aria-describedby': 'remember' });
  const element = h('div', { class: 'field' }, h('label', { class: 'check' }, input, h('span', {}, counted('signin.remember', days))), h('p', { class: 'hint', id: 'remember' }, t('signin.remember.text')));
  return { element, chosen: () => input.checked };
}

/** The second factor. sent is the verification of a message that was sent before the page was loaded. */
function second(signIn, sent) {
  const at = `/client/sign_ins/${encodeURIComponent(signIn.id)}`;
  const restart = button(t('signin.other'), { kind: 'plain wide', act: () => (history.state?.step === 'second' ? history.back() : byPassword()) });
  const factors = usable(signIn.supported_second_factors);
  const lost = signIn.recovery && button(t('recovery.lost'), { kind: 'plain wide', act: async () => (await import('./recovery.js')).recover(host, signIn, (now) => second(now, now.second_factor_verification)) });
  if (factors.length === 0) return show(host, [heading('h1', 'alert', t('signin.none.title'), t(signIn.supported_second_factors?.length > 0 ? 'passkey.unsupported' : 'signin.none.text'), 'bad'), lost, restart, help()]);
  const choice = days > 0 ? remembering() : null;
  challenge(host, {
    factors, sent, choice: choice?.element, extra: [lost, restart, help()],
    prepare: async (factor) => (await post(`${at}/prepare_second_factor`, { strategy: factor.strategy, phone_number_id: factor.phone_number_id ?? '' })).response.second_factor_verification,
    attempt: async (factor, code) => ({ ...await post(`${at}/attempt_second_factor`, { ...proofOf(factor, code), ...(choice?.chosen() && { remember_device: 'true' }) }), strategy: factor.strategy }),
    done: finish,
    expired,
  });
}

window.addEventListener('popstate', () => load(page, async () => {
  page.replaceChildren(host);
  if (history.state?.step !== 'second') return byPassword();
  return start();
}));
load(page, start);
