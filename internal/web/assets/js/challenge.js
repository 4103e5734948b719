// The verification of a factor, for sign-in and step-up. Both offer the same methods in the same order.

import { Problem, explain, whyShut } from './api.js';
import { button, field, form, once, passwordField } from './form.js';
import { codeField, justSent, listenForText, resend } from './otp.js';
import { h, heading, icon, notice, phone, rich, show, t } from './page.js';

const shapes = { totp: 'app', phone_code: 'sms', backup_code: 'key', password: 'lock' };

const same = (a, b) => a.strategy === b.strategy && a.phone_number_id === b.phone_number_id;

function describe(factor) {
  if (factor.strategy === 'phone_code') return h('span', {}, h('span', {}, rich('method.phone_code', { number: phone(factor.safe_identifier) })));
  return h('span', {}, t(`method.${factor.strategy}`));
}

/** Error codes that end the sign-in or step-up: only a new one helps. */
const over = ['resource_not_found', 'session_reverification_missing', 'authentication_invalid', 'invalid_action_for_session_reverification', 'verification_failed'];
/** Error codes after which no method works for now. */
const shut = ['user_locked', 'user_banned'];

/**
 * Renders the methods into host, the first of the factors selected.
 *   prepare(factor)        requests a text message
 *   attempt(factor, text)  verifies a code or password; its result is passed to done
 *   expired(problem)       renders the way on after the end of the sign-in or step-up
 *   sent                   whether a message was sent already; if so, none is sent automatically
 *   level, lead, extra     heading level, and elements before and after
 */
export function challenge(host, { factors, prepare, attempt, done, expired, sent = false, level = 'h1', lead, extra }) {
  let stopListening = () => {};
  let automatic = !sent;

  function problemOf(problem, wrong) {
    if (!(problem instanceof Problem)) return wrong(explain(problem));
    if (over.includes(problem.code)) return expired(problem);
    if (shut.includes(problem.code)) return closed(problem);
    return wrong(explain(problem));
  }

  function closed(problem) {
    stopListening();
    show(host, [lead, heading(level, 'lock', whyShut(problem).title, undefined, 'bad'), notice('bad', h('p', {}, explain(problem))), h('p', { class: 'quiet' }, whyShut(problem).advice), extra]);
  }

  function others(factor) {
    const rest = factors.filter((f) => !same(f, factor));
    if (rest.length === 0) return null;
    return h('section', { class: 'or' }, h('h2', {}, t('method.other')), rest.map((f) =>
      h('button', { type: 'button', class: 'method', onclick: () => choose(f) }, icon(shapes[f.strategy]), describe(f))));
  }

  function choose(factor) {
    stopListening();
    stopListening = () => {};
    ({ phone_code: byText, totp: byApp, backup_code: byBackupCode, password: byPassword })[factor.strategy](factor);
  }

  const trial = (factor, f, submit, value) => async () => {
    const given = value();
    if (given === '') return f.wrong(t('error.form_param_nil'));
    const result = await attempt(factor, given);
    stopListening();
    await done(result);
  };

  function byCode(factor, { title, text, more = [] }) {
    const submit = button(t('button.continue'), { kind: 'main wide' });
    const wrong = (problem) => problemOf(problem, f.wrong);
    const f = codeField({ label: t('otp.label'), done: () => once(submit, act, wrong) });
    const act = trial(factor, f, submit, () => f.input.value);
    show(host, [lead, heading(level, shapes[factor.strategy], title, text), form({ fields: f.element, submit, act, wrong, more }), others(factor), extra], { title });
    return f;
  }

  function byText(factor) {
    const number = phone(factor.safe_identifier);
    const status = h('p', { class: 'small quiet', role: 'status' });
    const alert = h('div', { role: 'alert' });
    const failed = (problem) => problemOf(problem, (text) => {
      status.textContent = '';
      alert.replaceChildren(justSent(problem) ? '' : notice('bad', h('p', {}, text)));
      if (justSent(problem)) status.textContent = t('otp.recent');
      if (problem.retry > 0) again.pause(problem.retry);
    });
    const send = async () => {
      alert.replaceChildren();
      status.textContent = t('otp.sending');
      await prepare(factor);
      status.textContent = t('otp.sent');
      again.pause();
      stopListening();
      stopListening = listenForText(f.input);
    };
    const again = resend(send, failed);
    const f = byCode(factor, {
      title: t('otp.phone.title'), text: rich('otp.phone.text', { number }), more: [alert, h('div', { class: 'section-head' }, status, again)],
    });
    if (automatic || !same(factor, factors[0])) once(again, send, failed);
    automatic = false;
  }

  function byApp(factor) {
    byCode(factor, { title: t('otp.app.title'), text: t('otp.app.text') });
  }

  function byBackupCode(factor) {
    const submit = button(t('button.continue'), { kind: 'main wide' });
    const f = field({ label: t('backup.label'), hint: t('backup.hint'), class: 'code long', autocomplete: 'off', 'data-focus': true, maxlength: 40, dir: 'ltr' });
    const act = trial(factor, f, submit, () => f.input.value.normalize('NFKC').trim());
    const wrong = (problem) => problemOf(problem, (text) => f.wrong(problem.code === 'form_code_incorrect' ? t('backup.wrong') : text));
    show(host, [lead, heading(level, 'key', t('backup.title'), t('backup.text')), form({ fields: f.element, submit, act, wrong }), others(factor), extra], { title: t('backup.title') });
  }

  function byPassword(factor) {
    const submit = button(t('button.continue'), { kind: 'main wide' });
    const f = passwordField({ label: t('password.label'), 'data-focus': true });
    const act = trial(factor, f, submit, () => f.input.value);
    const wrong = (problem) => problemOf(problem, f.wrong);
    show(host, [lead, heading(level, 'lock', t('password.title'), t('password.text')), form({ fields: f.element, submit, act, wrong }), others(factor), extra]);
  }

  choose(factors[0]);
}
