// The page that adds a phone number. The fragment may hold the id of a number that is not verified yet.

import { account } from './account.js';
import { get } from './api.js';
import { enrolPhone } from './enrolphone.js';
import { finish } from './finish.js';
import { load } from './form.js';
import { h, page, t } from './page.js';
import { back, drawTop } from './top.js';

load(page, async () => {
  const session = await account();
  drawTop(session);
  const id = location.hash.slice(1);
  const verify = id ? (await get('/me/phone_numbers')).find((p) => p.id === id && p.verification?.status !== 'verified') : undefined;
  const host = h('section', { class: 'card stack' });
  page.replaceChildren(host);
  await enrolPhone(host, {
    session, verify, extra: back(),
    done: (codes) => finish(page, codes, { who: session.public_user_data.identifier, title: t('phone.done.title'), text: t('phone.done.text'), next: '/account/security', label: t('frame.toaccount') }),
  });
});
