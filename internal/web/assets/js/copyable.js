// Buttons that copy a text.

import { button } from './form.js';
import { copy, h, icon, labelled, t } from './page.js';

/** A button that copies a text. Its label then says so for two seconds. */
export function copyButton(text, properties = {}) {
  const b = button(t('button.copy'), { kind: 'short', shape: 'copy', ...properties, act: async () => {
    if (!(await copy(text))) return;
    const [before, name] = [[...b.childNodes], b.getAttribute('aria-label')];
    b.replaceChildren(icon('check'), h('span', {}, t('button.copied')));
    b.removeAttribute('aria-label'); // it begins with the former label (WCAG 2.2, 2.5.3)
    setTimeout(() => {
      b.replaceChildren(...before);
      if (name) b.setAttribute('aria-label', name);
    }, 2000);
  } });
  return b;
}

/** A text with a button that copies it. shown is how the text is displayed. */
export const copyable = (label, text, shown = text) => h('div', { class: 'tight' }, h('p', { class: 'label' }, label),
  h('div', { class: 'copyable' }, h('bdi', { dir: 'ltr' }, shown), copyButton(text, { 'aria-label': labelled(t('button.copy'), label) })));
