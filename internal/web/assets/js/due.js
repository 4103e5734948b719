// The date by which a person has to have a second factor.

import { date, lang, now } from './page.js';

const soon = 48 * 3_600_000;

/** Whether the user has to have a second factor now, so that the last one cannot be removed. */
export const mustKeep = (user) => user.mfa_due_at <= now(); // false for undefined

/** The date in words; with the time, if it is near. */
export const deadline = ({ mfa_due_at: at }) => (at - now() < soon ? date(at) : new Intl.DateTimeFormat(lang, { dateStyle: 'long' }).format(at));
