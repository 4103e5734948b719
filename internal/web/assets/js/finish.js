// The end of adding a factor: backup codes if there are some, and a word that it worked.

import { showCodes } from './codes.js';
import { h, heading, show, steps, t } from './page.js';

/** Shows the codes that came with a first factor, then what was reached and where to go. */
export function finish(page, codes, { title, text, next, label }) {
  const end = () => show(page, h('section', { class: 'card stack' }, codes.length === 0 && steps(3, 3), heading('h1', 'check', title, text, 'good'),
    h('a', { class: 'button main wide', href: next }, label)), { title });
  if (codes.length === 0) return end();
  return showCodes(page, codes, end, { lead: steps(3, 3) });
}
