// The offer to add a passkey after a sign-in with a text message: once in 30 days for each browser.

import { addPasskey } from './addpasskey.js';
import { bind } from './api.js';
import { button } from './form.js';
import { heading, now, show, t } from './page.js';
import { supported } from './webauthn.js';

const offeredAt = 'countersign.passkey-offered'; // the time of the last offer, in milliseconds
const pause = 30 * 86_400_000;

/** Whether to offer a passkey now. It notes the time, so that the next offer waits. Without storage there is no offer. */
export function mayOffer({ user, status }, environment) {
  if (status !== 'active' || !supported() || !environment.user_settings.attributes.passkey.enabled || user.passkeys.length > 0) return false;
  try {
    const since = now() - Number(localStorage.getItem(offeredAt));
    if (since >= 0 && since < pause) return false;
    localStorage.setItem(offeredAt, String(now()));
    return true;
  } catch {
    return false;
  }
}

/** Shows the offer. go goes on to where the sign-in leads. */
export function offer(host, session, go) {
  bind(session.id);
  show(host, [
    heading('h1', 'passkey', t('passkey.offer.title'), t('passkey.offer.text')),
    button(t('passkey.add.title'), { kind: 'main wide', act: async () => {
      await addPasskey(session);
      await go();
    } }),
    button(t('passkey.offer.later'), { kind: 'plain wide', act: go }),
  ], { title: t('passkey.offer.title') });
}
