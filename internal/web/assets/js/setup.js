// The session task setup-mfa: the user enrols a second factor. Before the date from which it is required, the user may
// put it off.

import { takeTicket, target, withTicket } from './address.js';
import { activeSession, bind, get, mustEnrolLater, post } from './api.js';
import { deadline } from './due.js';
import { enrolApp } from './enrolapp.js';
import { enrolPhone } from './enrolphone.js';
import { finish } from './finish.js';
import { button, load, problemNotice } from './form.js';
import { h, heading, leaveFor, page, show, t } from './page.js';
import { renew } from './reauth.js';

const ticket = takeTicket();
let back = () => {};

// The browser's back button leads from a method to the choice instead of leaving the page.
window.addEventListener('popstate', () => back());

load(page, async () => {
  const [client, environment] = await Promise.all([get('/client'), get('/environment')]);
  const session = activeSession(client.response);
  if (!session) return leaveFor(withTicket(`/sign-in${location.search}`, ticket));
  const early = session.status !== 'pending' && mustEnrolLater(session.user);
  if (session.status !== 'pending' && !early) return leaveFor(target());
  bind(session.id);
  if (ticket) await renew(session, ticket);
  const on = environment.auth_config.second_factors;
  const host = h('section', { class: 'card stack' });
  const alert = h('div', {});

  const later = () => h('a', { class: 'button plain wide', href: target() }, t('setup.later'));
  const leave = () => button(t('frame.signout'), { kind: 'plain wide', act: async () => {
    await post(`/client/sessions/${encodeURIComponent(session.id)}/end`);
    await leaveFor('/sign-in');
  } });

  // A touch activates the session once the task is done.
  const done = async (codes) => {
    const next = await settled();
    back = enter; // codes that are not saved yet stay
    return finish(page, codes, {
      who: session.public_user_data.identifier, title: t('setup.done.title'), text: t('setup.done.text'), next, label: t('button.continue'), confirmed: () => { back = () => leaveFor(next); },
    });
  };
  async function settled() {
    await post(`/client/sessions/${encodeURIComponent(session.id)}/touch`);
    return target();
  }

  const enter = () => history.pushState({ step: 'method' }, '');
  const extra = () => button(t('setup.other'), { kind: 'plain wide', act: () => history.back() });
  const wrong = (problem) => alert.replaceChildren(problemNotice(problem));
  const begin = (enrol) => async () => {
    alert.replaceChildren();
    await enrol(host, { session, done, extra: extra() });
    enter();
  };
  const way = (strategy, shape, enrol) => on.includes(strategy) && button([h('strong', {}, t(`setup.${strategy}`)), h('span', { class: 'small quiet' }, t(`setup.${strategy}.text`))],
    { kind: 'method', shape, act: begin(enrol), wrong });

  function choose() {
    page.replaceChildren(host);
    alert.replaceChildren();
    show(host, [heading('h1', 'shield', t('setup.title'), early ? t('setup.due', { when: deadline(session.user) }) : t('setup.text')), alert, way('totp', 'app', enrolApp), way('phone_code', 'sms', enrolPhone), early ? later() : leave()], { title: t('setup.title') });
  }
  back = choose;
  choose();
});
