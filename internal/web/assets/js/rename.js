// The name of a factor: its field, and the dialog that changes it.

import { explain } from './api.js';
import { button, dialog, field, form } from './form.js';
import { h, show, t } from './page.js';

/**
 * A form for a name.
 *   longest     the most characters, as in the API
 *   yes, leave  the label of its button, and the button beside it
 *   act(name)   saves the name
 */
export function nameForm({ value, longest, yes, leave, act }) {
  const name = field({ label: t('security.rename.label'), value, autocomplete: 'off', autocapitalize: 'sentences', maxlength: longest, 'data-focus': true });
  const submit = button(yes, { kind: 'main' });
  const asked = form({
    fields: name.element, submit, act: () => act(name.input.value.trim()),
    wrong: (problem) => name.wrong(problem.meta?.param_name === 'name' && problem.code !== 'form_param_nil' ? t('security.rename.wrong') : explain(problem)),
  });
  const actions = h('div', { class: 'actions' });
  submit.replaceWith(actions);
  actions.append(submit, leave);
  return asked;
}

/** Asks for a name in a dialog, and saves it with act(name). Resolves to the result of act, or to undefined. */
export const rename = ({ title, text, value, longest, act }) => dialog((box, close) => show(box, [
  h('h2', {}, title), text && h('p', { class: 'quiet' }, text),
  nameForm({ value, longest, yes: t('security.rename'), act: async (name) => close(await act(name)), leave: button(t('button.cancel'), { act: () => close() }) }),
], { focus: false }));
