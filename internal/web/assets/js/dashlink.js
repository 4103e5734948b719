// Sign-in links that an operator makes for a user.

import { copyable } from './copyable.js';
import { ask, nameOf } from './dash.js';
import { askFirst } from './dashask.js';
import { button, dialog } from './form.js';
import { date, duration, h, show, t } from './page.js';

const life = 3600; // seconds; the dashboard's server allows no longer one

/** Asks for a reason and creates a link for a user. Resolves to true after that. */
export async function createLink(user) {
  let made;
  const lines = [t('dash.link.first'), !user.two_factor_enabled && t('dash.link.alone'), t('dash.link.once', { time: duration(life) })].filter(Boolean);
  const created = await askFirst({
    title: t('dash.link.sure', { who: nameOf(user) }), lines, yes: t('dash.link.yes'), needed: true,
    act: async (reason) => { made = await ask('POST', '/v1/sign_in_tokens', { user_id: user.id, expires_in_seconds: life }, reason); },
  });
  if (created) await present(made);
  return created;
}

/** Shows a new link. Only the answer that created it contains it, so Escape does not close the dialog. The ticket is in the fragment, which reaches no server or log. */
const present = ({ token, created_at: from }) => dialog((box, close) => show(box, [
  h('h2', {}, t('dash.link.made')), h('p', { class: 'quiet' }, t('dash.link.made.text', { when: date(from + life * 1000) })),
  copyable(t('dash.link.made'), `${location.origin}/sign-in#ticket=${encodeURIComponent(token)}`),
  button(t('button.done'), { kind: 'main wide', act: () => close(), 'data-focus': true }),
], { focus: false }), { leave: () => false });
