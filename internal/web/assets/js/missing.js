// The page for unknown paths. It leads back to the part of the site that the path is in.

import { h, heading, page, show, t } from './page.js';

const [href, label] = location.pathname.startsWith('/dashboard/') ? ['/dashboard', 'frame.todashboard'] : ['/account/security', 'frame.toaccount'];

show(page, h('section', { class: 'card stack' }, heading('h1', 'info', t('missing.title'), t('missing.text')), h('a', { class: 'button main', href }, t(label))));
