// Recovery: the second step is removed after days, unless the owner of the account cancels that.

import { post } from './api.js';
import { button } from './form.js';
import { date, h, heading, number, show, t } from './page.js';

/**
 * Shows the way of a person who can use none of the second factors, or the request that waits.
 *   signIn   the sign-in, with what it says of a recovery
 *   back     shows the second factors again
 */
export const recover = (host, signIn, back) => (signIn.recovery.completes_at ? waiting : offer)(host, signIn, back);

const returning = (signIn, back) => button(t('frame.back.factors'), { kind: 'plain wide', act: () => back(signIn) });

function offer(host, signIn, back) {
  const days = number(signIn.recovery.days);
  show(host, [
    heading('h1', 'clock', t('recovery.title'), t('recovery.text', { days })),
    h('p', { class: 'quiet' }, t('recovery.after')),
    button(t('recovery.ask', { days }), { kind: 'main wide', act: async () => {
      const answer = await post(`/client/sign_ins/${encodeURIComponent(signIn.id)}/recovery`);
      waiting(host, answer.response, back);
    } }),
    returning(signIn, back),
  ], { title: t('recovery.title') });
}

function waiting(host, signIn, back) {
  show(host, [
    heading('h1', 'clock', t('recovery.waits.title'), t('recovery.waits.text', { when: date(signIn.recovery.completes_at) })),
    h('p', { class: 'quiet' }, t('recovery.waits.found')),
    returning(signIn, back),
  ], { title: t('recovery.waits.title') });
}

/** Tells a signed-in user of a recovery that waits, above a page that has no button to cancel it. */
export function recoveryBanner({ recovery }) {
  return recovery && h('div', { class: 'notice bad setup banner' }, h('p', {}, t('recovery.notice', { when: date(recovery.completes_at) })),
    h('a', { class: 'button short', href: '/account/security' }, t('frame.back')));
}

/** Tells a signed-in user of a recovery that waits. cancel cancels it. */
export function recoveryNotice({ recovery }, cancel) {
  return recovery && h('div', { class: 'notice bad setup', role: 'alert' },
    h('div', {}, h('p', {}, h('strong', {}, t('recovery.notice', { when: date(recovery.completes_at) }))), h('p', {}, t('recovery.notice.text'))),
    button(t('recovery.cancel'), { kind: 'main', act: cancel }));
}
