// The devices on which a sign-in needs no second step.

import { browserOf, daysOf } from './device.js';
import { button } from './form.js';
import { badge, day, labelled, number, t } from './page.js';
import { firstOf, row, section } from './rows.js';

const few = 5; // devices shown at first

/** The card of the user's remembered devices. forget(device) forgets one, forgetAll() all. */
export function rememberedDevices(all, { forget, forgetAll }) {
  if (all.length === 0) return null;
  const label = t('device.forget');
  const rows = all.map((d) => row(d.is_mobile ? 'mobile' : 'device', [browserOf(d), d.current && badge(t('security.this'), 'good')], [daysOf(d)],
    button(label, { kind: 'short', 'aria-label': labelled(label, `${browserOf(d)}, ${day(d.created_at)}`), act: () => forget(d) })));
  const every = all.length > 1 && button(t('remembered.all'), { kind: 'short', act: forgetAll });
  return section(t('device.remembered'), t('remembered.text'), every, ...firstOf(rows, few, t('security.sessions.more', { count: number(all.length) })));
}
