// The page for unknown paths.

import { h, heading, page, show, t } from './page.js';

show(page, h('section', { class: 'card stack' }, heading('h1', 'info', t('missing.title'), t('missing.text')), h('a', { class: 'button main', href: '/account/security' }, t('frame.toaccount'))));
