// A text with a button that copies it.

import { copy, h, icon, t } from './page.js';

export const copyable = (label, text) => h('div', { class: 'tight' }, h('p', { class: 'label' }, label),
  h('div', { class: 'copyable' }, h('bdi', { dir: 'ltr' }, text), h('button', { type: 'button', class: 'short', 'aria-label': `${t('button.copy')}: ${label}`, onclick: () => copy(text) }, icon('copy'), h('span', {}, t('button.copy')))));
