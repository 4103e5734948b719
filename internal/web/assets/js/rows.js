// Sections and rows of the account's and the dashboard's pages.

import { h, icon } from './page.js';

/** A row of a list. details is a text, or parts that dots separate. */
export function row(shape, title, details, actions) {
  const parts = [details ?? []].flat();
  return h('li', { class: 'row' }, icon(shape), h('div', { class: 'what' }, h('div', {}, title),
    parts.length > 0 && h('div', { class: 'small quiet' }, parts.flatMap((part, i) => (i > 0 ? [' · ', part] : [part])))), actions && h('div', { class: 'do' }, actions));
}

export const section = (title, text, add, ...content) => h('section', { class: 'card tight', 'aria-label': [title].flat()[0] },
  h('div', { class: 'section-head' }, h('div', {}, h('h2', {}, title), text && h('p', { class: 'small quiet' }, text)), add), content);

/** A list that shows its first entries, and the others at a press on label. */
export const firstOf = (rows, few, label) => [h('ul', {}, rows.slice(0, few)), rows.length > few && h('details', {}, h('summary', {}, label), h('ul', {}, rows.slice(few)))];
