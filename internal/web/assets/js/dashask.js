// The question before an operator's change, with the reason for the audit log.

import { button, dialog, field, form, problemNotice } from './form.js';
import { h, show, t } from './page.js';

const longest = 140; // characters of a reason, as in the API

/**
 * Asks before a change, says what it does, and makes it with act(reason). Resolves to true after the change.
 *   lines     sentences or elements that say what the change does
 *   fields    elements with fields of the change, before the reason
 *   needed    whether the change needs a reason
 */
export const askFirst = ({ title, lines, fields = [], yes, needed, act }) => dialog((box, close) => {
  const alert = h('div', {});
  const reason = field({ label: t(needed ? 'dash.reason' : 'dash.reason.optional'), hint: t('dash.reason.hint'), autocomplete: 'off', autocapitalize: 'sentences', maxlength: longest, 'data-focus': needed });
  const submit = button(yes, { kind: 'main danger' });
  const asked = form({
    fields: [...fields, reason.element], more: alert, submit, wrong: (problem) => alert.replaceChildren(problemNotice(problem)),
    act: async () => {
      const text = reason.input.value.trim();
      if (needed && text === '') return reason.wrong(t('dash.reason.wrong'));
      await act(text);
      close(true);
    },
  });
  const actions = h('div', { class: 'actions' });
  submit.replaceWith(actions);
  actions.append(submit, button(t('button.cancel'), { act: () => close(false), 'data-focus': !needed }));
  show(box, [h('h2', {}, title), lines.map((line) => (typeof line === 'string' ? h('p', { class: 'quiet' }, line) : line)), asked], { focus: false });
});
