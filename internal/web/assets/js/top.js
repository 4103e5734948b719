// The header of the account pages: the user and the sign-out.

import { del } from './api.js';
import { button } from './form.js';
import { h, leaveFor, t } from './page.js';
import { recoveryBanner } from './recovery.js';

export function drawTop(session) {
  document.getElementById('top').replaceChildren(
    h('span', { class: 'who small quiet' }, session.public_user_data.identifier),
    button(t('frame.signout'), { kind: 'short', act: async () => {
      await del('/client/sessions');
      await leaveFor('/sign-in');
    } }));
  document.querySelector('.banner')?.remove();
  const banner = location.pathname !== '/account/security' && recoveryBanner(session.user);
  if (banner) document.getElementById('main').prepend(banner);
}

/** The link back to the overview of the account. */
export const back = () => h('a', { class: 'button plain wide', href: '/account/security' }, t('frame.back'));
