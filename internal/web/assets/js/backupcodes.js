// The page that makes a new set of backup codes.

import { account } from './account.js';
import { post } from './api.js';
import { showCodes } from './codes.js';
import { button, load, problemNotice } from './form.js';
import { h, heading, notice, page, show, t } from './page.js';
import { sensitively } from './reverify.js';
import { back, drawTop } from './top.js';

load(page, async () => {
  const session = await account();
  drawTop(session);
  const { user } = session;
  const alert = h('div', {});
  const make = button(t(user.backup_code_enabled ? 'codes.replace' : 'codes.make'), { kind: 'main wide', wrong: (problem) => alert.replaceChildren(problemNotice(problem)), act: async () => {
    alert.replaceChildren();
    const made = (await sensitively(session.id, () => post('/me/backup_codes'))).response;
    showCodes(page, made.codes, () => location.assign('/account/security'), { who: session.public_user_data.identifier });
  } });
  show(page, h('section', { class: 'card stack' }, heading('h1', 'key', t('codes.title'), t('codes.text')),
    user.backup_code_enabled && notice('warn', h('p', {}, t('codes.replace.text'))),
    user.two_factor_enabled ? [alert, make] : notice('plain', h('p', {}, t('error.backup_codes_not_available'))), back()), { focus: false });
});
