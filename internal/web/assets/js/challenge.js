// The verification of a factor, for sign-in and step-up. Both offer the same methods in the same order.

import { Problem, explain, whyShut } from './api.js';
import { button, field, form, once, passwordField, problemNotice } from './form.js';
import { codeField, holder, texting } from './otp.js';
import { h, heading, notice, phone, rich, show, strategyShapes, t } from './page.js';
import { supported, usePasskey } from './webauthn.js';

const same = (a, b) => a.strategy === b.strategy && a.phone_number_id === b.phone_number_id;

/** The factors that this browser can prove, a passkey first: the API has it last, for older clients. */
export const usable = (factors) => (factors ?? []).filter((f) => f.strategy !== 'passkey' || supported()).sort((a, b) => (b.strategy === 'passkey') - (a.strategy === 'passkey'));

const parameters = { password: 'password', passkey: 'public_key_credential' };
/** The parameters of an attempt at a factor. */
export const proofOf = (factor, text) => ({ strategy: factor.strategy, [parameters[factor.strategy] ?? 'code']: text });

function describe(factor) {
  if (factor.strategy === 'phone_code') return h('span', {}, rich('method.phone_code', { number: phone(factor.safe_identifier) }));
  return t(`method.${factor.strategy}`);
}

/** Error codes that end the sign-in or step-up: only a new one helps. */
const over = ['resource_not_found', 'session_reverification_missing', 'authentication_invalid', 'invalid_action_for_session_reverification', 'verification_failed'];
/** Whether no method works for now. */
export const isShut = (problem) => ['user_locked', 'user_banned'].includes(problem.code);

/** What the page shows for an account that is locked or banned. */
export function shutView(level, problem) {
  const { title, advice } = whyShut(problem);
  return [heading(level, 'lock', title, undefined, 'bad'), problemNotice(problem), h('p', { class: 'quiet' }, advice)];
}

/**
 * Renders the methods into host, the first of the factors selected.
 *   factors                of usable()
 *   prepare(factor)        requests a text message or a challenge; its result is the verification that waits for the answer
 *   attempt(factor, text)  verifies a code, password or answer of a passkey; its result is passed to done
 *   expired(problem)       renders the way on after the end of the sign-in or step-up
 *   sent                   the verification of a message that was sent before; if its code works, none is sent automatically
 *   choice                 an element before the field of each second factor
 *   level, lead, extra     heading level, and elements before and after
 */
export function challenge(host, { factors, prepare, attempt, done, expired, sent, choice, level = 'h1', lead, extra }) {
  let stopListening = () => {};
  let waiting = sent?.status === 'unverified' ? sent : undefined;

  function problemOf(problem, wrong) {
    if (!(problem instanceof Problem)) return wrong(explain(problem));
    if (over.includes(problem.code)) return expired(problem);
    if (isShut(problem)) return closed(problem);
    return wrong(explain(problem));
  }

  function closed(problem) {
    stopListening();
    show(host, [lead, shutView(level, problem), extra]);
  }

  function others(factor) {
    const rest = factors.filter((f) => !same(f, factor));
    if (rest.length === 0) return null;
    return h('section', { class: 'or' }, h('h2', {}, t('method.other')), rest.map((f) =>
      button(describe(f), { kind: 'method', shape: strategyShapes[f.strategy], act: () => choose(f) })));
  }

  function choose(factor) {
    stopListening();
    stopListening = () => {};
    ({ phone_code: byText, totp: byApp, backup_code: byBackupCode, password: byPassword, passkey: byPasskey })[factor.strategy](factor);
  }

  const trial = (factor, f, value) => async () => {
    const given = value();
    if (given === '') return f.wrong(t('error.form_param_nil'));
    const result = await attempt(factor, given);
    stopListening();
    await done(result);
  };

  function byCode(factor, { title, incorrect, message }) {
    const submit = button(t('button.continue'), { kind: 'main wide' });
    const wrong = (problem) => problemOf(problem, (text) => {
      const wait = problem.code === 'too_many_requests' && problem.retry > 0;
      if (problem.code === 'verification_expired' || problem.code === 'verification_missing') step?.missing();
      f.wrong(wait ? explain(problem, { timed: false }) : problem.code === 'form_code_incorrect' ? t(incorrect) : text);
      if (wait) hold(problem.retry, { count: true });
    });
    const f = codeField({ label: t('otp.label'), done: () => once(submit, act, wrong) });
    const hold = holder(f, submit);
    const verify = trial(factor, f, () => f.input.value);
    const act = async () => (/^\d{1,5}$/.test(f.input.value) ? f.wrong(t('otp.short')) : verify());
    const step = message?.(f, hold);
    show(host, [lead, heading(level, strategyShapes[factor.strategy], title, step?.text ?? t('otp.app.text')), form({ fields: [choice, f.element], submit, act, wrong, more: step?.more ?? [] }), others(factor), extra], { title });
    return step;
  }

  function byText(factor) {
    const step = byCode(factor, {
      title: t('otp.phone.title'), incorrect: 'error.form_code_incorrect',
      message: (f, hold) => texting({
        number: () => t('phone.ending', { end: factor.safe_identifier.slice(-2) }), prepare: () => prepare(factor), hold, input: () => f.input,
        other: (problem) => !problemOf(problem, () => true),
      }),
    });
    stopListening = step.stop;
    step.begin(waiting?.phone_number_id === factor.phone_number_id ? waiting : undefined);
    waiting = undefined;
  }

  function byApp(factor) {
    byCode(factor, { title: t('otp.app.title'), incorrect: 'otp.app.wrong' });
  }

  function byBackupCode(factor) {
    const submit = button(t('button.continue'), { kind: 'main wide' });
    const f = field({ label: t('backup.label'), hint: t('backup.hint'), class: 'code long', autocomplete: 'off', 'data-focus': true, maxlength: 40, dir: 'ltr' });
    const act = trial(factor, f, () => f.input.value.normalize('NFKC').trim());
    const wrong = (problem) => problemOf(problem, (text) => f.wrong(problem.code === 'form_code_incorrect' ? t('backup.wrong') : text));
    show(host, [lead, heading(level, 'key', t('backup.title'), t('backup.text')), form({ fields: [choice, f.element], submit, act, wrong }), others(factor), extra], { title: t('backup.title') });
  }

  function byPassword(factor) {
    const submit = button(t('button.continue'), { kind: 'main wide' });
    const f = passwordField({ label: t('password.label'), 'data-focus': true });
    const act = trial(factor, f, () => f.input.value);
    const wrong = (problem) => problemOf(problem, f.wrong);
    show(host, [lead, heading(level, 'lock', t('password.title'), t('password.text')), form({ fields: f.element, submit, act, wrong }), others(factor), extra]);
  }

  function byPasskey(factor) {
    const browser = new AbortController();
    stopListening = () => browser.abort();
    const alert = h('div', {});
    const wrong = (problem) => problemOf(problem, (text) => {
      const late = ['verification_expired', 'verification_missing'].includes(problem.code);
      alert.replaceChildren(notice('bad', h('p', {}, late ? t('passkey.late') : text)));
    });
    const use = button(t('passkey.use'), { kind: 'main wide', 'data-focus': true, wrong, act: async () => {
      alert.replaceChildren();
      const { nonce } = await prepare(factor);
      const result = await attempt(factor, await usePasskey(nonce, { signal: browser.signal }));
      await done(result);
    } });
    show(host, [lead, heading(level, 'passkey', t('passkey.title'), t('passkey.text')), alert, choice, use, others(factor), extra], { title: t('passkey.title') });
  }

  choose(factors.find((f) => waiting && f.phone_number_id === waiting.phone_number_id) ?? factors[0]);
}
