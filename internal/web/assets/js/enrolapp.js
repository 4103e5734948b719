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

  function scan() {
    show(host, [steps(1, 3), heading('h1', 'app', t('app.title'), t('app.text')),
      h('div', { class: 'qr' }, qr(made.uri, t('app.qr'))),
      h('details', {}, h('summary', {}, t('app.manual')), h('p', { class: 'quiet small' }, t('app.manual.text')),
        copyable(t('app.secret'), made.secret), copyable(t('app.uri'), made.uri), h('p', {}, h('a', { href: made.uri }, t('app.open')))),
      button(t('app.scanned'), { kind: 'main wide', act: enter }), extra], { title: t('app.title') });
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
