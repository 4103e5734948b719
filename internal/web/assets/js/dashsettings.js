// The multi-factor settings of the instance.

import { ranking } from './chart.js';
import { byName } from './countries.js';
import { ask, drawTabs, saveBar, settingName } from './dash.js';
import { dayFields, daySettings } from './dashdays.js';
import { passkeyFields, passkeySettings } from './dashpasskeys.js';
import { dayOf } from './dashrequired.js';
import { trailOf } from './dashtrail.js';
import { Cancelled, confirm, field, load, problemNotice } from './form.js';
import { dayBegin } from './period.js';
import { h, heading, notice, number, page, say, show, t } from './page.js';

const switches = [
  ['dash.methods', ['sms_code', 'authenticator_app', 'backup_codes']],
  ['dash.policy', ['mfa_required', 'keep_other_sessions', 'notify_by_text']],
  ['dash.protection', ['enumeration_protection', 'ip_limits', 'strict_guessing', 'first_factor_phone_code', 'test_mode']],
  ['dash.passkeys.title', ['passkeys', 'passkey_second_factor', 'passkey_satisfies_second_factor']],
];

/** The largest number of users that the API counts by a filter. */
const most = 10000;

/** Returns how many users match, Infinity for more than the API counts. */
async function counted(path) {
  try {
    return (await ask('GET', path)).total_count;
  } catch (problem) {
    if (problem.status !== 422) throw problem;
    return Infinity;
  }
}

/** The largest number of users that the page looks at. */
const sample = 500;

/** Returns the newest users; none while the lists of users are being made after an update. */
async function newest() {
  try {
    return await ask('GET', `/v1/users?limit=${sample}`);
  } catch (problem) {
    if (problem.status !== 503) throw problem;
    return [];
  }
}

/** Asks before a change that leaves users without a usable second factor. Returns whether to continue. */
async function strands(settings, wanted) {
  const methods = ['sms_code', 'authenticator_app'].filter((name) => settings[name] && !wanted[name]);
  const off = [...methods, ...settings.sms_countries.filter((code) => !wanted.sms_countries.includes(code))];
  if (off.length === 0) return true;
  const count = await counted(`/v1/users/count?${off.map((name) => `stranded_without=${name}`).join('&')}`);
  return count === 0 || confirm({ title: t('dash.stranded.title', { count: Number.isFinite(count) ? number(count) : `> ${number(most)}` }), text: t('dash.stranded.text'), yes: t('dash.stranded.yes') });
}

drawTabs();
load(page, async () => {
  const [settings, users] = await Promise.all([ask('GET', '/v1/instance'), newest()]);
  draw(settings, users);
});

function draw(settings, users) {
  settings.password_reset_url ??= '';
  settings.mfa_required_from ??= 0;
  const wanted = { ...settings, sms_countries: [...settings.sms_countries] };
  const alert = h('div', {});
  const changed = () => [...switches.flatMap(([, names]) => names), 'sms_countries', 'password_reset_url', 'mfa_required_from', ...daySettings, ...passkeySettings].filter((n) => String(wanted[n]) !== String(settings[n]));
  const bar = saveBar({
    dirty: () => changed().length > 0,
    wrong: (problem) => {
      if (problem.meta?.param_name === 'password_reset_url') return forgotten.wrong(t('dash.password_reset_url.wrong'));
      if (keys.wrong(problem)) return;
      alert.replaceChildren(problemNotice(problem));
    },
    act: async () => {
      alert.replaceChildren();
      const names = changed();
      if (days.refuse()) throw new Cancelled();
      if (!(await strands(settings, wanted)) || !(await keys.sure(users, sample))) throw new Cancelled();
      if (names.length > 0) await ask('PATCH', '/v1/instance', Object.fromEntries(names.map((n) => [n, wanted[n]])));
      names.forEach((n) => { settings[n] = wanted[n]; });
      say(t('dash.saved'));
    },
  });

  const keys = passkeyFields(settings, wanted, () => bar.mark());

  const toggle = (name) => {
    const input = h('input', { type: 'checkbox', role: 'switch', 'aria-describedby': `${name}-text` });
    input.checked = settings[name];
    input.addEventListener('change', () => {
      wanted[name] = input.checked;
      warn();
      bar.mark();
    });
    return h('label', { class: 'switch' }, h('span', {}, h('span', {}, t(`dash.${name}`)), h('span', { class: 'small quiet', id: `${name}-text` }, t(`dash.${name}.text`))), input);
  };

  const forgotten = field({ label: t('dash.password_reset_url'), hint: t('dash.password_reset_url.hint'), value: settings.password_reset_url, type: 'url', inputmode: 'url', autocomplete: 'off', maxlength: 2048, dir: 'ltr' });
  forgotten.input.addEventListener('input', () => {
    wanted.password_reset_url = forgotten.input.value.trim();
    bar.mark();
  });

  const from = field({ label: t('dash.mfa_required_from'), hint: t('dash.mfa_required_from.hint'), type: 'date', max: '9999-12-31', value: settings.mfa_required_from ? dayOf(settings.mfa_required_from) : '' });
  from.input.addEventListener('input', () => {
    wanted.mfa_required_from = from.input.value ? dayBegin(from.input.value) : 0;
    bar.mark();
  });
  const days = dayFields(wanted, () => bar.mark());

  // Says what the switches mean together before they are saved.
  const warning = h('div', { role: 'status' });
  function warn() {
    const none = !wanted.sms_code && !wanted.authenticator_app;
    warning.replaceChildren(...(none ? [notice('warn', h('p', {}, t(wanted.mfa_required ? 'dash.nomethod' : 'dash.nomethods')))] : []));
  }
  warn();
  show(page, [
    heading('h1', null, t('dash.settings.title'), t('dash.settings.text')),
    warning,
    h('div', { class: 'grid' },
      h('div', { class: 'stack' }, switches.map(([title, names]) => h('section', { class: 'card tight' }, h('h2', {}, t(title)), names.map(toggle))),
        keys.element,
        h('section', { class: 'card stack' }, h('h2', {}, t('dash.required')), from.element, days.of('mfa_grace_days')),
        h('section', { class: 'card stack' }, h('h2', {}, t('device.remembered')), days.of('remember_device_days')),
        h('section', { class: 'card stack' }, h('h2', {}, t('dash.recovery.title')), days.of('recovery_days')),
        h('section', { class: 'card stack' }, h('h2', {}, t('dash.forgotten')), forgotten.element)),
      h('div', { class: 'stack' }, adoption(users), countries(wanted, bar.mark), trailOf({ path: '/v1/instance/audit_events', title: t('dash.trail.settings'), settings: settingName }))),
    alert, bar.element,
  ].filter(Boolean), { focus: false });
}

/** The share of users with each second factor. */
function adoption(users) {
  const share = (label, count) => ({ label, value: count, of: users.length, text: t('dash.of', { count: number(count), total: number(users.length) }) });
  const count = (test) => users.filter(test).length;
  return h('section', { class: 'card stack' }, h('div', { class: 'tight' }, h('h2', {}, t('dash.adoption')), users.length === sample && h('p', { class: 'small quiet' }, t('dash.sample', { count: number(sample) }))),
    ranking([
      share(t('dash.any'), count((u) => u.two_factor_enabled)), share(t('dash.totp'), count((u) => u.totp_enabled)),
      share(t('dash.sms'), count((u) => u.phone_numbers.some((p) => p.reserved_for_second_factor))), share(t('dash.backup'), count((u) => u.backup_code_enabled)),
      share(t('dash.locked'), count((u) => u.locked))]));
}

function countries(wanted, mark) {
  const all = byName();
  const chosen = h('p', { class: 'small quiet', role: 'status' });
  const list = h('div', { class: 'countries', role: 'group', 'aria-label': t('dash.sms_countries'), tabindex: '0' });
  const find = field({ label: t('dash.countries.find'), type: 'search', autocomplete: 'off' });
  const count = () => { chosen.textContent = t('dash.countries.count', { count: number(wanted.sms_countries.length) }); };
  const rows = all.map(([code, name]) => {
    const input = h('input', { type: 'checkbox' });
    input.checked = wanted.sms_countries.includes(code);
    input.addEventListener('change', () => {
      wanted.sms_countries = wanted.sms_countries.filter((c) => c !== code).concat(input.checked ? [code] : []);
      count();
      mark();
    });
    return { name: `${name} ${code}`.toLocaleLowerCase(), on: input.checked, element: h('label', { class: 'check' }, input, h('span', {}, name)) };
  });
  // Enabled countries come first.
  list.append(...[...rows].sort((a, b) => b.on - a.on).map((r) => r.element));
  find.input.addEventListener('input', () => {
    const text = find.input.value.trim().toLocaleLowerCase();
    rows.forEach((r) => { r.element.hidden = !r.name.includes(text); });
  });
  count();
  return h('section', { class: 'card stack' }, h('div', { class: 'tight' }, h('h2', {}, t('dash.sms_countries')), h('p', { class: 'small quiet' }, t('dash.countries.text'))), find.element, list, chosen);
}
