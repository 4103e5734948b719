// The name of a factor: its field, and the dialog that changes it.

import { explain } from './api.js';
import { button, dialog, field, form } from './form.js';
import { h, show, t } from './page.js';

const longest = 64; // characters of a name, as in the API

/**
 * A form for a name. leave is the button beside its own.
 *   act(name)   saves the name
 */
export function nameForm({ value, act, leave }) {
  const name = field({ label: t('rename.label'), value, autocomplete: 'off', autocapitalize: 'sentences', maxlength: longest, 'data-focus': true });
  const submit = button(t('button.save'), { kind: 'main' });
  const asked = form({
    fields: name.element, submit, wrong: (problem) => name.wrong(problem.meta?.param_name === 'name' ? t('rename.wrong') : explain(problem)),
    act: () => {
      const text = name.input.value.trim();
      return text === '' ? name.wrong(t('error.form_param_nil')) : act(text);
    },
  });
  const actions = h('div', { class: 'actions' });
  submit.replaceWith(actions);
  actions.append(submit, leave);
  return asked;
}

/** Asks for a new name in a dialog, and saves it with act(name). Resolves to the result of act, or undefined when the person cancels. */
export const rename = ({ title, value, act }) => dialog((box, close) => show(box, [
  h('h2', {}, title), nameForm({ value, act: async (text) => close(await act(text)), leave: button(t('button.cancel'), { act: () => close() }) }),
], { focus: false }));
