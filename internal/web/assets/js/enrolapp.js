// The enrolment of an authenticator app, for the account and for the setup task.

import { explain, post } from './api.js';
import { copyable } from './copyable.js';
import { button, form, once } from './form.js';
import { codeField } from './otp.js';
import { h, heading, notice, show, steps, t } from './page.js';
import { qr } from './qr.js';
import { sensitively } from './reverify.js';

/** Runs the steps in host. done(codes) gets the backup codes that a first second factor brings, else undefined. */
export async function enrolApp(host, { session, done, extra }) {
  const made = (await sensitively(session.id, () => post('/me/totp'))).response;

  const picture = () => h('div', { class: 'qr' }, qr(made.uri, t('app.qr')));
  const key = () => [h('p', { class: 'quiet small' }, t('app.manual.text')), copyable(t('app.secret'), made.secret, made.secret.match(/.{1,4}/g).join(' '))];
  const open = (kind) => h('a', { class: `button wide ${kind}`, href: made.uri }, t('app.open'));
  /** A device with a touch screen has the app itself, so its link comes first; a computer shows the picture for a phone. */
  const touch = matchMedia('(pointer: coarse)').matches;
  const ways = () => (touch
    ? [heading('h1', 'app', t('app.title'), t('app.text.touch')), open('main'), key(), h('details', {}, h('summary', {}, t('app.other')), h('p', { class: 'quiet small' }, t('app.text')), picture())]
    : [heading('h1', 'app', t('app.title'), t('app.text')), picture(), h('details', {}, h('summary', {}, t('app.manual')), h('div', { class: 'stack' }, key(), open('')))]);

  function scan() {
    show(host, [steps(1, 3), ways(), button(t('app.scanned'), { kind: touch ? 'wide' : 'main wide', act: enter }), extra], { title: t('app.title') });
  }

  function enter() {
    const submit = button(t('app.verify'), { kind: 'main wide' });
    const wrong = (problem) => (problem.code === 'resource_not_found' ? again() : f.wrong(problem.code === 'form_code_incorrect' ? t('app.wrong') : explain(problem)));
    // After five wrong codes or 15 minutes the server ends the setup, so a new secret is shown.
    const again = async () => {
      await enrolApp(host, { session, done, extra });
      host.querySelector('h1')?.after(notice('bad', h('p', {}, t('app.again'))));
    };
    const act = async () => {
      if (f.input.value.length < 6) return f.wrong(t('otp.short'));
      const answer = (await sensitively(session.id, () => post('/me/totp/attempt_verification', { code: f.input.value }))).response;
      await done(answer.backup_codes ?? []);
    };
    const f = codeField({ label: t('otp.label'), done: () => once(submit, act, wrong) });
    show(host, [steps(2, 3), heading('h1', 'app', t('otp.app.title'), t('otp.app.text')), form({ fields: f.element, submit, act, wrong }),
      button(t('app.rescan'), { kind: 'plain wide', act: scan }), extra], { title: t('otp.app.title') });
  }

  scan();
}
