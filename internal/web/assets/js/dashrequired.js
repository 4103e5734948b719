// The row of a user's page about the second factor that is required of the user, and its questions.

import { ask, nameOf } from './dash.js';
import { askFirst } from './dashask.js';
import { button, field } from './form.js';
import { day, now, t } from './page.js';
import { dayBegin } from './period.js';
import { row } from './rows.js';

const two = (n) => String(n).padStart(2, '0');

/** A time as the value of a date field: its day on the operator's clock. */
export function dayOf(ms) {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The title and the details of the row: whether a second factor is required of the user, and from when on. */
function stateOf(user) {
  if (!user.mfa_required) return [t('dash.required.off'), user.mfa_due_at ? t('dash.required.all', { when: day(user.mfa_due_at) }) : null];
  const when = { when: day(user.mfa_required_from) };
  return [t('dash.required.on'), user.mfa_required_from > now() ? t('dash.required.by', when) : t('dash.required.since', when)];
}

/** Asks from when on the second factor is required, and why. Resolves to true after the change. */
function askRequired(user, path, label) {
  const who = nameOf(user);
  const from = field({ label: t('dash.required.from'), hint: t('dash.required.from.hint'), type: 'date', max: '9999-12-31', value: user.mfa_required ? dayOf(user.mfa_required_from) : '' });
  const body = () => ({ mfa_required: true, ...(from.input.value && { mfa_required_from: dayBegin(from.input.value) }) });
  return askFirst({ title: t('dash.required.sure', { who }), lines: [t('dash.required.text', { who })], fields: [from.element], yes: label, needed: true, act: (reason) => ask('PATCH', path, body(), reason) });
}

/** Asks whether the second factor is no longer required, and why. Resolves to true after the change. */
function askOptional(user, path) {
  const who = nameOf(user);
  return askFirst({ title: t('dash.required.clear.sure', { who }), lines: [t('dash.required.clear.text', { who })], yes: t('dash.required.clear'), needed: true, act: (reason) => ask('PATCH', path, { mfa_required: false }, reason) });
}

/**
 * The row of a user.
 *   path      the user in the Backend API
 *   changed   is called with a text for the person after each change
 */
export function requiredRow(user, path, changed) {
  const set = (label) => button(label, { kind: 'short', act: async () => {
    if (await askRequired(user, path, label)) await changed(t('dash.required.done'));
  } });
  const end = button(t('dash.required.clear'), { kind: 'short plain', act: async () => {
    if (await askOptional(user, path)) await changed(t('dash.required.cleared'));
  } });
  const actions = user.mfa_required ? [set(t('dash.required.date')), end] : [set(t('dash.required.require'))];
  return row('shield', ...stateOf(user), actions);
}
