// The first and the last day of a list. The page's address has them, so that a reload, Back and a bookmark keep them.

import { field } from './form.js';
import { h, t } from './page.js';

const form = /^\d{4}-\d{2}-\d{2}$/;

/** The parameters of the page's address, which set() replaces. An empty value removes one. */
export const address = {
  get: (name) => new URLSearchParams(location.search).get(name) ?? '',
  set(values) {
    const all = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(values)) {
      if (value) all.set(name, value);
      else all.delete(name);
    }
    const query = all.toString();
    history.replaceState(history.state, '', query ? `?${query}` : location.pathname);
  },
};

export const dayLength = 86_400_000; // milliseconds

/** The begin of the day that is some days after a day, in milliseconds: on the visitor's clock, or in UTC. NaN for a text that is no day. */
export function dayBegin(text, { after = 0, utc = false } = {}) {
  const [year, month, day] = text.split('-').map(Number);
  return utc ? Date.UTC(year, month - 1, day + after) : new Date(year, month - 1, day + after).getTime();
}

/**
 * Two fields: {fields, bounds()}. bounds() returns { from, after, before } in milliseconds, 0 where a day is missing: the begin of the
 * first day, the last moment before it, and the begin of the day after the last one. It returns nothing when the first
 * day is after the last.
 *   changed   called after a change to right days
 *   utc       days are in UTC
 */
export function period(changed, { utc = false } = {}) {
  const one = (key, name) => field({ label: t(key), control: h('input', { type: 'date', max: '9999-12-31', value: form.test(address.get(name)) ? address.get(name) : '' }) });
  const from = one('dash.from', 'from');
  const to = one('dash.to', 'to');
  function bounds() {
    const [first, last] = [from.input.value, to.input.value];
    if (first && last && first > last) return undefined;
    const begins = first ? dayBegin(first, { utc }) : 0;
    return { from: begins, after: first ? Math.max(0, begins - 1) : 0, before: last ? Math.max(1, dayBegin(last, { after: 1, utc })) : 0 };
  }
  const change = () => {
    to.wrong('');
    if (!bounds()) return to.wrong(t('dash.period.wrong'));
    address.set({ from: from.input.value, to: to.input.value });
    changed();
  };
  for (const f of [from, to]) f.input.addEventListener('change', change);
  return { fields: [from.element, to.element], bounds, clear() { from.input.value = to.input.value = ''; change(); } };
}
