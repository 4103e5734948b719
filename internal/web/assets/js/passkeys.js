// The section of the account's passkeys and security keys.

import { addPasskey, longest, named } from './addpasskey.js';
import { del } from './api.js';
import { addedAndUsed } from './factordetails.js';
import { Cancelled, button, confirm } from './form.js';
import { badge, h, labelled, t } from './page.js';
import { rename } from './rename.js';
import { row, section } from './rows.js';
import { supported } from './webauthn.js';

const most = 10; // passkeys of a user, as in the API

/**
 * The section, or nothing where passkeys are off and the user has none.
 *   change(request, said)   makes a change with step-up, shows the page again and says the text with this key
 */
export function passkeys(session, environment, change) {
  const all = session.user.passkeys;
  const on = environment.user_settings.attributes.passkey.enabled;
  if (!on && all.length === 0) return null;
  const label = t('button.add');
  const can = on && supported() && all.length < most;
  const add = can && button(label, { kind: 'short', 'data-key': 'add-passkey', 'aria-label': labelled(label, t('security.passkeys')), act: () => change(() => addPasskey(session), 'passkey.added') });
  const why = !on ? 'security.passkeys.off' : !supported() ? 'passkey.unsupported' : all.length >= most ? 'error.passkey_quota_exceeded' : undefined;
  return section(t('security.passkeys'), t('security.passkeys.text'), add, all.length > 0 && h('ul', {}, all.map((p) => passkeyRow(p, change))), why && h('p', { class: 'small quiet' }, t(why)));
}

function passkeyRow(p, change) {
  const blocked = p.verification?.status === 'failed';
  const details = [...addedAndUsed(p), blocked && t('passkey.blocked.text')].filter(Boolean);
  const properties = (key, text) => ({ 'data-key': `${key}-${p.id}`, 'aria-label': labelled(text, p.name) });
  const actions = [
    button(t('security.rename'), { kind: 'short plain', ...properties('rename', t('security.rename')), act: () => change(() => renamed(p), 'security.renamed') }),
    button(t('button.remove'), { kind: 'short plain danger', ...properties('remove', t('button.remove')), act: async () => {
      if (await confirm({ title: t('passkey.remove', { name: p.name }), text: t('passkey.remove.text'), yes: t('button.remove') })) {
        await change(() => del(`/me/passkeys/${encodeURIComponent(p.id)}`), 'passkey.removed');
      }
    } }),
  ];
  return row('passkey', [h('bdi', {}, p.name), blocked && badge(t('passkey.blocked'), 'warn')], details, actions);
}

/** Asks for a name. Throws Cancelled without one, and for the present one. */
async function renamed(p) {
  const answer = await rename({ title: t('passkey.rename.title'), value: p.name, longest, act: (name) => named(p, name) });
  if (!answer) throw new Cancelled();
  return answer;
}
