// What the rows of factors say: the person's name for a factor, and when it was added and last used.

import { ago, day, h, rich, t } from './page.js';

/** The person's name for a factor, for the title of its row. */
export const ownName = (name) => name && h('span', { class: 'quiet' }, rich('factor.called', { name: h('bdi', {}, name) }));

/** When a factor was added and last used, for the details of its row. detail has created_at and last_used_at. */
export const addedAndUsed = ({ created_at: added, last_used_at: used }) => [
  t('factor.added', { when: day(added) }), used ? h('span', {}, rich('factor.used', { when: ago(used) })) : t('factor.used.never'),
];
