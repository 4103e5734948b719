// The last step of an enrolment.

import { showCodes } from './codes.js';
import { h, heading, show, steps } from './page.js';

/** Shows new backup codes of the account who, if any, then a confirmation with the way on. It calls confirmed with the confirmation. */
export function finish(page, codes, { who, title, text, next, label, confirmed = () => {} }) {
  const end = () => {
    confirmed();
    show(page, h('section', { class: 'card stack' }, codes.length === 0 && steps(3, 3), heading('h1', 'check', title, text, 'good'),
      h('a', { class: 'button main wide', href: next }, label)), { title });
  };
  if (codes.length === 0) return end();
  return showCodes(page, codes, end, { lead: steps(3, 3), who });
}
