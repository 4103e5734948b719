// What the rows of factors have in common: the person's name for a factor, when it was added and last used, and "Rename".

import { explain } from './api.js';
import { button, dialog, field, form } from './form.js';
import { ago, day, h, labelled, rich, show, t } from './page.js';

const longest = 100; // characters of a name, as in the API

/** The person's name for a factor, for the title of its row. */
export const called = (name) => name && h('span', { class: 'quiet' }, rich('security.called', { name: h('bdi', {}, name) }));

/** When a factor was added and last used, for the details of its row. detail has created_at and last_used_at. */
export const lived = ({ created_at: added, last_used_at: used }) => [
  t('security.added', { when: day(added) }), used ? h('span', {}, rich('security.used', { when: ago(used) })) : t('security.used.never'),
];

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
