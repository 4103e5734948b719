// The button of a factor's row that gives the factor a name of the person's own.

import { button } from './form.js';
import { labelled, t } from './page.js';
import { rename } from './rename.js';

const longest = 100; // characters of a name, as in the API

/** Asks for a name, and saves it with save(name). Resolves to the answer, or to undefined. */
const ask = (name, save) => rename({ title: t('security.rename.title'), text: t('security.rename.text'), value: name ?? '', longest, act: save });

/**
 * The button that renames a factor.
 *   key      tells the button from others after the page was drawn again
 *   what     the factor, for screen readers
 *   save     sends a name to the API
 *   renamed  gets the answer
 */
export const renaming = ({ key, what, name, save, renamed }) => button(t('security.rename'), {
  kind: 'short plain', 'data-key': `name-${key}`, 'aria-label': labelled(t('security.rename'), what), act: async () => {
    const answer = await ask(name, save);
    if (answer) await renamed(answer);
  },
});
