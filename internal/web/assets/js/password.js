// The page that changes the account's password, or sets the first one.

import { account } from './account.js';
import { explain, get, post } from './api.js';
import { isShut, shutView } from './challenge.js';
import { button, form, load, passwordField, problemNotice } from './form.js';
import { h, heading, number, page, show, t } from './page.js';
import { sensitively } from './reverify.js';
import { back, drawTop } from './top.js';

load(page, async () => {
  const session = await account();
  drawTop(session);
  const environment = await get('/environment');
  draw(session, environment);
});

function draw(session, { user_settings: { password_settings: rules }, password_reset_url: resetURL }) {
  const { user } = session;
  const has = user.password_enabled;
  const title = t(has ? 'password.change' : 'password.set');
  const alert = h('div', {});
  // A password manager keeps the new password under this name.
  const who = h('input', { type: 'text', name: 'username', autocomplete: 'username', value: session.public_user_data.identifier, readonly: true, hidden: true });
  let current = has && passwordField({ label: t('password.current'), name: 'current-password', required: true, 'data-focus': true });
  const next = passwordField({
    label: t('password.new'), hint: t('password.new.hint', { min: number(rules.min_length) }), name: 'new-password', autocomplete: 'new-password', required: true, minlength: rules.min_length,
    passwordrules: `minlength: ${rules.min_length}; maxlength: ${rules.max_length};`, 'data-focus': !has,
  });
  const others = h('input', { type: 'checkbox', name: 'sign_out_of_other_sessions', 'aria-describedby': 'others' });
  others.checked = has;
  const submit = button(title, { kind: 'main wide' });
  const forgotten = has && (resetURL ? h('p', { class: 'small' }, h('a', { href: resetURL }, t('signin.forgot'))) : button(t('password.forgotten'), { kind: 'plain short', act: () => {
    // The API takes a step-up in place of the current password.
    for (const gone of [current.element, forgotten]) gone.remove();
    current = undefined;
    next.input.focus();
  } }));

  const wrong = (problem) => {
    const at = { current_password: current, new_password: next }[problem.meta?.param_name];
    if (isShut(problem)) show(page, h('section', { class: 'card stack' }, shutView('h1', problem)));
    else if (at) at.wrong(explain(problem));
    else alert.replaceChildren(problemNotice(problem));
  };
  async function act() {
    alert.replaceChildren();
    const body = { new_password: next.input.value, sign_out_of_other_sessions: String(others.checked) };
    if (current) body.current_password = current.input.value;
    if (body.current_password === '') return current.wrong(t('error.form_param_nil'));
    if (body.new_password === '') return next.wrong(t('error.form_param_nil'));
    if (body.new_password === body.current_password) return next.wrong(t('password.same'));
    await sensitively(session.id, () => post('/me/change_password', body));
    const done = t(has ? 'password.changed' : 'event.password.changed');
    show(page, h('section', { class: 'card stack' }, heading('h1', 'check', done, t(others.checked ? 'password.changed.others' : 'password.changed.text'), 'good'),
      h('a', { class: 'button main wide', href: '/account/security' }, t('frame.toaccount'))), { title: done });
  }
  show(page, h('section', { class: 'card stack' }, heading('h1', 'lock', title, has ? undefined : t('password.none')), form({
    fields: [who, current && current.element, forgotten, next.element, has && h('div', { class: 'field' }, h('label', { class: 'check' }, others, h('span', {}, t('password.others'))), h('p', { class: 'hint', id: 'others' }, t('password.others.text')))].filter(Boolean),
    more: alert, submit, act, wrong,
  }), back()), { title });
}
