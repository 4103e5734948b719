// The dashboard's sign-in. It exchanges the secret key for a cookie that scripts cannot read.

import { explain } from './api.js';
import { ask } from './dash.js';
import { afterSignIn } from './dashreturn.js';
import { button, field, form, passwordField } from './form.js';
import { h, heading, leaveFor, page, show, t } from './page.js';

// Password managers keep a password by the name beside it.
const account = h('input', { type: 'text', name: 'username', autocomplete: 'username', value: 'countersign-dashboard', readonly: true, hidden: true });
const f = passwordField({ label: t('dash.key'), hint: t('dash.key.hint'), name: 'password', autocomplete: 'current-password', 'data-focus': true });
const name = field({ label: t('dash.operator'), hint: t('dash.operator.hint'), name: 'name', autocomplete: 'name', autocapitalize: 'words', maxlength: 40 });
const submit = button(t('button.continue'), { kind: 'main wide' });
show(page, h('section', { class: 'card stack' }, heading('h1', 'key', t('dash.signin.title'), t('dash.signin.text')), form({
  fields: [account, f.element, name.element], submit, wrong: (problem) => f.wrong(explain(problem)),
  act: async () => {
    if (f.input.value.trim() === '') return f.wrong(t('error.form_param_nil'));
    await ask('POST', '/session', { secret_key: f.input.value, operator: name.input.value.trim() });
    await leaveFor(afterSignIn());
  },
})));
