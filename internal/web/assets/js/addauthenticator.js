// The page that adds an authenticator app.

import { account } from './account.js';
import { enrolApp } from './enrolapp.js';
import { finish } from './finish.js';
import { load } from './form.js';
import { h, notice, page, show, t } from './page.js';
import { back, drawTop } from './top.js';

load(page, async () => {
  const session = await account();
  drawTop(session);
  const host = h('section', { class: 'card stack' });
  page.replaceChildren(host);
  try {
    await enrolApp(host, {
      session, extra: back(),
      done: (codes) => finish(page, codes, { who: session.public_user_data.identifier, title: t('app.done.title'), text: t('app.done.text'), next: '/account/security', label: t('frame.toaccount') }),
    });
  } catch (problem) {
    if (!problem.cancelled && problem.code !== 'totp_already_enabled') throw problem;
    show(host, [h('h1', {}, t('app.title')), notice('plain', h('p', {}, t(problem.cancelled ? 'reverify.cancelled' : 'error.totp_already_enabled'))), back()]);
  }
});
