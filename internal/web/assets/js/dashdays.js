// The settings that are a number of days.

import { field } from './form.js';
import { t } from './page.js';

/** Each may be 0, or least to most. */
const settings = [
  { name: 'mfa_grace_days', least: 1, most: 90, label: 'dash.mfa_grace_days', hint: 'dash.mfa_grace_days.hint', wrong: 'dash.mfa_grace_days.wrong' },
  { name: 'remember_device_days', least: 1, most: 90, label: 'dash.remember_device_days', hint: 'dash.remember_device_days.hint', wrong: 'dash.remember_device_days.wrong' },
  { name: 'recovery_days', least: 3, most: 30, label: 'dash.recovery_days', hint: 'dash.recovery_days.hint', wrong: 'dash.recovery_days.wrong' },
];

export const daySettings = settings.map((s) => s.name);

/**
 * Their fields. The number that is typed goes to wanted, and changed() follows.
 *   of(name)   the element of a setting
 *   refuse()   says at the first wrong field what is allowed; false if all are right
 */
export function dayFields(wanted, changed) {
  const fields = new Map(settings.map((s) => {
    const f = field({ label: t(s.label), hint: t(s.hint), value: String(wanted[s.name]), inputmode: 'numeric', autocomplete: 'off', maxlength: 3 });
    f.input.addEventListener('input', () => {
      const text = f.input.value.trim();
      wanted[s.name] = /^\d+$/.test(text) ? Number(text) : NaN;
      changed();
    });
    return [s.name, f];
  }));
  return {
    of: (name) => fields.get(name).element,
    refuse() {
      const bad = settings.find(({ name, least, most }) => wanted[name] !== 0 && !(wanted[name] >= least && wanted[name] <= most));
      if (bad) fields.get(bad.name).wrong(t(bad.wrong));
      return bad !== undefined;
    },
  };
}
