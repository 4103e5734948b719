// The enrolment of a phone number, for the account and for the setup task.

import { explain, get, patch, post } from './api.js';
import { byName, callingCodes, likely } from './countries.js';
import { button, field, form, once } from './form.js';
import { codeField, holder, texting } from './otp.js';
import { h, heading, notice, phone, show, steps, t } from './page.js';
import { sensitively } from './reverify.js';

/** Runs the steps in host. done(codes) gets the backup codes that a first second factor brings, else undefined. */
export function enrolPhone(host, { session, done, extra, verify }) {
  let region;
  let typed = '';

  /** Asks for a number. Only countries that get text messages are offered; the server reads the number as the country writes it. */
  async function ask() {
    const { sms_countries: served, second_factors: methods } = (await get('/environment')).auth_config;
    const countries = byName().filter(([code]) => served.includes(code));
    const named = ([code, name]) => `${name} (+${callingCodes.get(code)})`;
    region ??= likely(countries.map(([code]) => code));
    const chooser = countries.length > 1 && h('select', { autocomplete: 'tel-country-code' },
      [...countries.map((entry) => h('option', { value: entry[0] }, named(entry))), h('option', { value: '' }, t('phone.elsewhere'))]);
    const where = chooser && field({ label: t('phone.country'), control: chooser });
    const what = field({
      label: t('phone.number'), hint: countries.length === 1 && named(countries[0]), type: 'tel', autocomplete: 'tel-national', inputmode: 'tel', value: typed, 'data-focus': true, maxlength: 60, dir: 'ltr',
    });
    const submit = button(t('phone.send'), { kind: 'main wide' });
    const instead = h('div', { class: 'stack', role: 'status' });
    const look = () => {
      if (chooser) region = chooser.value;
      instead.replaceChildren(...(region === '' ? [notice('warn', h('p', {}, t('error.unsupported_country_code'))),
        methods.includes('totp') && session.status === 'active' && h('a', { class: 'button wide', href: '/account/add-authenticator' }, t('app.title'))].filter(Boolean)
        : [h('p', { class: 'small quiet' }, t('phone.cost'))]));
      what.element.hidden = submit.hidden = region === '';
    };
    if (chooser) {
      chooser.value = region;
      chooser.addEventListener('change', look);
    }
    what.input.addEventListener('input', () => { typed = what.input.value; });
    look();
    const act = async () => {
      if (typed.trim() === '') return what.wrong(t('error.form_param_nil'));
      await confirm(await add());
    };
    const wrong = (problem) => what.wrong(explain(problem));
    show(host, [steps(1, 3), heading('h1', 'sms', t('phone.title'), t('phone.text')),
      form({ fields: [where && where.element, what.element].filter(Boolean), more: instead, submit, act, wrong }), extra], { title: t('phone.title') });
  }

  /** The phone number resource: a new one, or one that was added before and is not verified. */
  async function add() {
    try {
      return (await sensitively(session.id, () => post('/me/phone_numbers', { phone_number: typed, ...(region && { region }), reserved_for_second_factor: 'true' }))).response;
    } catch (problem) {
      const mine = problem.meta?.phone_number_id && (await get('/me/phone_numbers')).find((p) => p.id === problem.meta.phone_number_id);
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
