// The button of a factor's row that gives the factor a name of the person's own.

import { explain } from './api.js';
import { button, dialog, field, form } from './form.js';
import { h, labelled, show, t } from './page.js';

const longest = 100; // characters of a name, as in the API

/** Asks for a name, and saves it with save(name). Resolves to the answer, or to undefined. */
const ask = (name, save) => dialog((box, close) => {
  const called = field({ label: t('security.rename.label'), autocomplete: 'off', autocapitalize: 'sentences', maxlength: longest, value: name ?? '', 'data-focus': true });
  const submit = button(t('security.rename'), { kind: 'main' });
  const asked = form({
    fields: called.element, submit,
    wrong: (problem) => called.wrong(problem.meta?.param_name === 'name' ? t('security.rename.wrong') : explain(problem)),
    act: async () => close(await save(called.input.value)),
  });
  const actions = h('div', { class: 'actions' });
  submit.replaceWith(actions);
  actions.append(submit, button(t('button.cancel'), { act: () => close() }));
  show(box, [h('h2', {}, t('security.rename.title')), h('p', { class: 'quiet' }, t('security.rename.text')), asked], { focus: false });
});

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
