// The enrolment of a phone number, for the account and for the setup task.

import { explain, get, patch, post } from './api.js';
import { byName, callingCodes, e164, likely } from './countries.js';
import { button, field, form, once } from './form.js';
import { codeField, holder, texting } from './otp.js';
import { h, heading, phone, rich, show, steps, t } from './page.js';
import { sensitively } from './reverify.js';

/** Runs the steps in host. done(codes) gets the backup codes that a first second factor brings, else undefined. */
export function enrolPhone(host, { session, done, extra, verify }) {
  let region = likely();
  let typed = '';

  function ask() {
    const chooser = h('select', { autocomplete: 'tel-country-code' }, byName().map(([code, name]) => h('option', { value: code }, `${name} (+${callingCodes.get(code)})`)));
    chooser.value = region;
    const where = field({ label: t('phone.country'), control: chooser });
    const what = field({ label: t('phone.number'), type: 'tel', autocomplete: 'tel-national', inputmode: 'tel', value: typed, 'data-focus': true, maxlength: 40, dir: 'ltr' });
    const preview = h('p', { class: 'small quiet', role: 'status' });
    const submit = button(t('phone.send'), { kind: 'main wide' });
    const look = () => {
      region = chooser.value;
      typed = what.input.value;
      const number = e164(typed, region);
      preview.replaceChildren(...(number ? rich('phone.preview', { number: phone(number) }) : [t('phone.cost')]));
    };
    chooser.addEventListener('change', look);
    what.input.addEventListener('input', look);
    look();
    const act = async () => {
      const number = e164(typed, region);
      if (number === '') return what.wrong(t(typed.trim() === '' ? 'error.form_param_nil' : 'phone.wrong'));
      await confirm(await add(number));
    };
    const wrong = (problem) => what.wrong(explain(problem));
    show(host, [steps(1, 3), heading('h1', 'sms', t('phone.title'), t('phone.text')),
      form({ fields: [where.element, what.element], more: preview, submit, act, wrong }), extra], { title: t('phone.title') });
  }

  /** The phone number resource: a new one, or one that was added before and is not verified. */
  async function add(number) {
    try {
      return (await sensitively(session.id, () => post('/me/phone_numbers', { phone_number: number, reserved_for_second_factor: 'true' }))).response;
    } catch (problem) {
      const mine = problem.code === 'form_identifier_exists' && (await get('/me/phone_numbers')).find((p) => p.phone_number === number);
      if (!mine || mine.verification?.status === 'verified') throw problem;
      return mine;
    }
  }

  /** The verification. The first message is sent automatically. */
  async function confirm(resource) {
    const at = `/me/phone_numbers/${encodeURIComponent(resource.id)}`;
    const submit = button(t('phone.verify'), { kind: 'main wide' });
    const wrong = (problem) => (problem.code === 'verification_failed' ? message.failed(problem) : f.wrong(explain(problem)));
    const act = async () => {
      if (f.input.value.length < 6) return f.wrong(t('otp.short'));
      let answer = (await sensitively(session.id, () => post(`${at}/attempt_verification`, { code: f.input.value }))).response;
      if (!answer.reserved_for_second_factor) answer = (await sensitively(session.id, () => patch(at, { reserved_for_second_factor: 'true' }))).response;
      message.stop();
      await done(answer.backup_codes ?? []);
    };
    const f = codeField({ label: t('otp.label'), done: () => once(submit, act, wrong) });
    const message = texting({
      number: () => phone(resource.phone_number), hold: holder(f, submit), input: () => f.input, other: () => false,
      prepare: async () => (await sensitively(session.id, () => post(`${at}/prepare_verification`, { strategy: 'phone_code' }))).response.verification,
    });
    show(host, [steps(2, 3), heading('h1', 'sms', t('otp.phone.title'), message.text), form({ fields: f.element, more: message.more, submit, act, wrong }),
      button(t('phone.change'), { kind: 'plain wide', act: () => { message.stop(); ask(); } }), extra], { title: t('otp.phone.title') });
    message.begin();
  }

  return verify ? confirm(verify) : ask();
}
