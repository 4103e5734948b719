// The pages of a log, by the server's cursors.

import { button, failed } from './form.js';
import { focusOn, t } from './page.js';

/**
 * Turns the pages of a log, newest first.
 *   body   where look() draws a page, and an error that the first page met
 *   head   the heading that has the focus after a turn
 *   look   draws the page that begins after a cursor; without one the newest
 */
export function pager({ body, head, look }) {
  let before = []; // the cursors of the previous pages
  const first = () => {
    before = [];
    return look().catch((problem) => body.replaceChildren(failed(problem, first)));
  };
  const go = async (from) => {
    await look(from);
    focusOn(head);
  };
  /** The buttons of the page that begins after from. next is the cursor of the page after it, if there is one. */
  const buttons = (from, next) => [
    before.length > 0 && button(t('dash.newer'), { kind: 'short', act: () => go(before.pop()) }),
    next && button(t('dash.older'), { kind: 'short', act: async () => {
      before.push(from);
      await go(next);
    } }),
  ];
  return { first, buttons };
}
