// Users: the newest ones, or those that match a search, page by page.

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

  const all = () => pages((after) => ask('GET', `/v1/users?limit=${size + 1}${after && `&starting_after=${after}`}`));

  async function look(text) {
    if (text === '') return all();
    const more = button(t('dash.all'), { kind: 'short', act: () => { find.input.value = ''; return all(); } });
    try {
      await pages((after) => ask('POST', '/search', { text, after }), more);
    } catch (problem) {
      result.replaceChildren(...(problem.status === 422 ? [notice('bad', h('p', {}, t('dash.find.unclear'))), h('div', {}, more)] : [failed(problem, () => look(text))]));
    }
  }
  await all();
});

/** Shows the first page of users. read returns those after a user, and one more than a page has if there are more. */
async function pages(read, other) {
  const before = ['']; // the last user before each page up to this one
  const to = (change) => async () => { change(); await draw(); };
  async function draw() {
    const users = await read(before.at(-1));
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
