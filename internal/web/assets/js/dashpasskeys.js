// The settings of passkeys, and the passkeys of a user.

import { confirm, field } from './form.js';
import { badge, h, t } from './page.js';
import { row } from './rows.js';

/** The settings without a switch. */
export const passkeySettings = ['passkey_rp_id', 'passkey_apple_apps', 'passkey_android_apps'];

const lines = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);

/**
 * The fields of passkeys: {element, wrong(problem), sure(users)}.
 *   wanted   the settings that the page saves
 *   mark     is called after a change
 */
export function passkeyFields(settings, wanted, mark) {
  settings.passkey_rp_id ??= '';
  wanted.passkey_rp_id = settings.passkey_rp_id;
  const domain = field({ label: t('dash.passkey_rp_id'), hint: t('dash.passkey_rp_id.hint'), value: settings.passkey_rp_id, inputmode: 'url', autocomplete: 'off', maxlength: 253, dir: 'ltr' });
  domain.input.addEventListener('input', () => {
    wanted.passkey_rp_id = domain.input.value.trim().toLowerCase();
    mark();
  });
  const list = (name, label, hint) => {
    const f = field({ label, hint, control: h('textarea', { rows: 2, spellcheck: 'false', autocapitalize: 'none', dir: 'ltr' }) });
    f.input.value = settings[name].join('\n');
    f.input.addEventListener('input', () => {
      wanted[name] = lines(f.input.value);
      mark();
    });
    return f;
  };
  const apple = list('passkey_apple_apps', t('dash.passkey_apple_apps'), t('dash.passkey_apple_apps.hint'));
  const android = list('passkey_android_apps', t('dash.passkey_android_apps'), t('dash.passkey_android_apps.hint'));
  const at = { passkey_rp_id: [domain, 'dash.passkey_rp_id.wrong'], passkey_apple_apps: [apple, 'dash.passkey_apple_apps.wrong'], passkey_android_apps: [android, 'dash.passkey_android_apps.wrong'] };

  return {
    element: h('section', { class: 'card stack' }, h('h2', {}, t('dash.passkeys.where')), domain.element, apple.element, android.element),
    /** Shows a problem at its field. Returns whether there is one. */
    wrong(problem) {
      const [f, key] = at[problem.meta?.param_name] ?? [];
      f?.wrong(t(key));
      return Boolean(f);
    },
    /** Asks before a change of the domain that ends passkeys of users. Without all users it asks at every change. */
    sure(users, most) {
      const used = users.length >= most || users.some((u) => u.passkeys.length > 0);
      if (!used || wanted.passkey_rp_id === settings.passkey_rp_id) return true;
      return confirm({ title: t('dash.passkey_rp_id.sure'), text: t('dash.passkey_rp_id.text'), yes: t('dash.passkey_rp_id.yes') });
    },
  };
}

/** The rows of a user's passkeys. detailsOf(p) says when one was used, remove(p) is the button that removes it. */
export const passkeyRows = (user, detailsOf, remove) => user.passkeys.map((p) => {
  const blocked = p.verification?.status === 'failed';
  return row('passkey', [h('bdi', {}, p.name), blocked && badge(t('dash.passkey.blocked'), 'warn')], detailsOf(p), remove(p));
});
