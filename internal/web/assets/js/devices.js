// The sessions of the account.

import { button } from './form.js';
import { date, number, t } from './page.js';
import { badge, firstOf, row, section } from './rows.js';

const few = 5; // sessions shown at first

/** The device of a session, in words. */
export const deviceOf = (s) => s.latest_activity.browser_name || t('security.device');

/** The card of the user's sessions. end(list) signs sessions out, endOthers(count) all but the caller's. */
export function devices(sessions, mine, { end, endOthers }) {
  const others = sessions.filter((s) => s.id !== mine);
  const rows = [...sessions].sort((a, b) => (b.id === mine) - (a.id === mine) || b.last_active_at - a.last_active_at).map((s) => row(
    s.latest_activity.is_mobile ? 'mobile' : 'device', [deviceOf(s), s.id === mine && badge(t('security.this'), 'good')], [t('security.active', { when: date(s.last_active_at) })],
    s.id !== mine && button(t('frame.signout'), { kind: 'short', 'aria-label': `${t('frame.signout')}: ${deviceOf(s)}, ${date(s.last_active_at)}`, act: () => end([s]) })));
  const all = others.length > 1 && button(t('security.sessions.others'), { kind: 'short', act: () => endOthers(others) });
  return section(t('security.sessions'), null, all, ...firstOf(rows, few, t('security.sessions.more', { count: number(rows.length) })));
}
