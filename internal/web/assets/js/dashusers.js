// Users: the newest ones, or those that match a search, page by page. The search and the page are in
// the state of the history entry: Back from a user shows them again, and no address has a number.

import { ask, badge, drawTabs, factors, nameOf } from './dash.js';
import { button, failed, field, form, load } from './form.js';
import { date, h, heading, notice, number, page, show, t } from './page.js';

const size = 20;
const result = h('div', { class: 'card' });

drawTabs();
load(page, async () => {
  const { total_count: total } = await ask('GET', '/v1/users/count');
  const find = field({ label: t('dash.find'), hint: t('dash.find.hint'), type: 'search', autocomplete: 'off', maxlength: 320 });
  const submit = button(t('dash.search'), { kind: 'main' });
  const search = form({ fields: find.element, submit, act: () => look(find.input.value.trim()) });
  show(page, [heading('h1', null, t('dash.users.title'), t('dash.users.count', { count: number(total) })), h('section', { class: 'card', role: 'search' }, search), result], { focus: false });

  const all = (before) => pages((after) => ask('GET', `/v1/users?limit=${size + 1}${after && `&starting_after=${after}`}`), { before });

  async function look(text, before) {
    if (text === '') return all(before);
    const more = button(t('dash.all'), { kind: 'short', act: () => { find.input.value = ''; return all(); } });
    try {
      await pages((after) => ask('POST', '/search', { text, after }), { text, before, other: more });
    } catch (problem) {
      const why = problem.meta?.reason === 'too_many_users' ? 'dash.find.broad' : 'dash.find.unclear';
      result.replaceChildren(...(problem.status === 422 ? [notice('bad', h('p', {}, t(why))), h('div', {}, more)] : [failed(problem, () => look(text, before))]));
    }
  }
  const { text = '', before } = history.state?.users ?? {};
  find.input.value = text;
  await look(text, before);
});

/**
 * Shows a page of users, and remembers it. read returns those after a user, and one more than a page has if there are
 * more. before has the last user before each page up to this one.
 */
async function pages(read, { text = '', before = [''], other }) {
  const to = (change) => async () => { change(); await draw(); };
  async function usersAfter() {
    for (;;) {
      try {
        return await read(before.at(-1));
      } catch (problem) {
        if (problem.status !== 422 || before.length === 1) throw problem;
        before.pop(); // that user was deleted
      }
    }
  }
  async function draw() {
    const users = await usersAfter();
    history.replaceState({ users: { text, before } }, '');
    const shown = users.slice(0, size);
    table(shown, h('div', { class: 'actions' },
      before.length > 1 && button(t('dash.previous'), { kind: 'short', act: to(() => before.pop()) }),
      users.length > size && button(t('dash.next'), { kind: 'short', act: to(() => before.push(shown.at(-1).id)) }),
      other));
  }
  await draw();
}

function table(users, after) {
  result.replaceChildren(h('p', { class: 'hidden', role: 'status' }, t('dash.found', { count: number(users.length) })), users.length === 0 ? h('p', { class: 'quiet' }, t('dash.nobody')) : h('table', { class: 'cards' },
    h('thead', {}, h('tr', {}, ['dash.user', 'dash.factors', 'dash.state', 'dash.lastsignin'].map((key) => h('th', { scope: 'col' }, t(key))))),
    h('tbody', {}, users.map((u) => h('tr', {},
      h('td', {}, h('a', { href: `/dashboard/users/${encodeURIComponent(u.id)}` }, nameOf(u)), h('div', { class: 'small quiet' }, u.email_addresses[0]?.email_address ?? u.username ?? '')),
      h('td', {}, h('div', { class: 'actions' }, factors(u))),
      h('td', {}, u.banned ? badge(t('dash.banned'), 'bad') : u.locked ? badge(t('dash.islocked'), 'warn') : badge(t('dash.open'))),
      h('td', { class: 'small quiet' }, u.last_sign_in_at ? date(u.last_sign_in_at) : t('dash.never')))))), after);
}
