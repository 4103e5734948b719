// Users: all, or those of a search and of filters, page by page. The address has the filters and the page, so that
// Back, a reload and a colleague's browser show the same. The text of a search is behind # and reaches no server's log.

import { exporting, instant } from './csv.js';
import { ask, drawTabs, factors, nameOf, underName, userPath } from './dash.js';
import { button, failed, field, form } from './form.js';
import { ago, badge, counted, day, focusTitle, h, heading, notice, now, number, page, phone, show, t } from './page.js';
import { dayBegin } from './period.js';

const size = 20;
const largest = 500; // users of one request

/** The filters by state: their text, and what the API is asked for. */
const states = {
  all: ['dash.filter.all', {}], without: ['dash.filter.without', { second_factor: 'false' }], with: ['dash.filter.with', { second_factor: 'true' }],
  due: ['dash.filter.due', { mfa_due: 'true' }],
  locked: ['dash.filter.locked', { locked: 'true' }], banned: ['dash.filter.banned', { banned: 'true' }],
};

/** All users, from the first page. */
const everyone = { text: '', state: 'all', from: '', to: '', after: '', page: 1 };

const table = h('div', { class: 'card stack' });
let total; // of the search; undefined if there are more than the API counts

/** What the address asks for. */
function wanted() {
  const query = new URLSearchParams(location.search);
  const text = new URLSearchParams(location.hash.slice(1)).get('q') ?? '';
  return { text, state: query.get('state') in states ? query.get('state') : 'all', from: query.get('from') ?? '', to: query.get('to') ?? '', after: query.get('after') ?? '', page: Math.max(1, Number(query.get('page')) || 1) };
}

/** The address of what is asked for. */
function addressOf({ text, state, from, to, after, page: at }) {
  const query = new URLSearchParams({ ...(state !== 'all' && { state }), ...(from && { from }), ...(to && { to }), ...(after && { after, page: at }) });
  return `${location.pathname}${query.size > 0 ? `?${query}` : ''}${text ? `#${new URLSearchParams({ q: text })}` : ''}`;
}

/** The search of a request, without the page. A day is from its midnight to the next, in the operator's time zone. */
function searchOf({ text, state, from, to }) {
  const filters = { ...states[state][1] };
  if (dayBegin(from)) filters.created_at_after = String(dayBegin(from) - 1);
  if (dayBegin(to)) filters.created_at_before = String(dayBegin(to, { after: 1 }));
  return { text, filters };
}

const list = (of, after, { limit = size + 1, order = '-created_at' } = {}) => ask('POST', '/search', { ...searchOf(of), after, limit, order });

drawTabs();
const find = field({ label: t('dash.find'), hint: t('dash.find.hint'), type: 'search', autocomplete: 'off', maxlength: 320 });
const choice = field({ label: t('dash.filter'), control: h('select', {}, Object.entries(states).map(([name, [key]]) => h('option', { value: name }, t(key)))) });
const from = field({ label: t('dash.filter.from'), type: 'date' });
const to = field({ label: t('dash.filter.to'), type: 'date' });
const title = h('p', { class: 'quiet', role: 'status' });
const begin = () => go({ text: find.input.value.trim(), state: choice.input.value, from: from.input.value, to: to.input.value, after: '', page: 1 });
for (const f of [choice, from, to]) f.input.addEventListener('change', () => begin().catch((problem) => explainIn(problem, begin)));
show(page, [
  heading('h1', null, t('dash.users.title')), title,
  h('section', { class: 'card', role: 'search' }, form({
    fields: find.element, submit: button(t('dash.search'), { kind: 'main' }), act: begin,
  }), h('div', { class: 'narrowing' }, choice.element, from.element, to.element)),
  table,
], { focus: false });
window.addEventListener('popstate', draw);
draw();

/** Goes to another search or page. */
async function go(next) {
  history.pushState(null, '', addressOf(next));
  await draw();
}

async function draw() {
  const of = wanted();
  find.input.value = of.text;
  choice.input.value = of.state;
  from.input.value = of.from;
  to.input.value = of.to;
  try {
    const [users, count] = await Promise.all([pageOf(of), countOf(of)]);
    total = count;
    fill(of, users);
  } catch (problem) {
    explainIn(problem, draw);
  }
}

/** The users of a page, and one more if there is a next page. After a user who is gone, the first page is shown. */
async function pageOf(of) {
  try {
    return await list(of, of.after);
  } catch (problem) {
    if (problem.status !== 422 || !of.after || problem.meta.param_name !== 'starting_after') throw problem;
    history.replaceState(null, '', addressOf({ ...of, after: '', page: 1 }));
    return list(of, '');
  }
}

async function countOf(of) {
  try {
    return (await ask('POST', '/search/count', searchOf(of))).total_count;
  } catch (problem) {
    if (problem.status !== 422) throw problem;
    return undefined; // more than the API counts
  }
}

function explainIn(problem, again) {
  const { text } = wanted();
  const broad = problem.meta?.reason === 'too_many_users';
  const why = broad ? t(text ? 'dash.find.broad' : 'dash.filter.broad') : t('dash.find.unclear');
  const all = button(t('dash.all'), { kind: 'short', act: () => go(everyone) });
  table.replaceChildren(...(problem.status === 422 ? [notice('bad', h('p', {}, why)), h('div', {}, all)] : [failed(problem, again)]));
}

function fill(of, users) {
  const shown = users.slice(0, size);
  const filtered = of.text !== '' || of.state !== 'all' || of.from !== '' || of.to !== '';
  const pages = total === undefined ? undefined : Math.max(1, Math.ceil(total / size));
  const at = of.after ? wanted().page : 1;
  title.textContent = total === undefined ? '' : counted(filtered ? 'dash.users.match' : 'dash.users.count', total);
  const turn = (key, act) => button(t(key), { kind: 'short', act: async () => {
    await act();
    focusTitle();
  } });
  const buttons = [
    at > 1 && turn('dash.first', () => go({ ...of, after: '', page: 1 })),
    at > 1 && turn('dash.previous', async () => go(await before(of, shown, at))),
    users.length > size && turn('dash.next', () => go({ ...of, after: shown.at(-1).id, page: at + 1 })),
    pages > at && turn('dash.last', () => last(of, pages)),
    filtered && button(t('dash.all'), { kind: 'short', act: () => go(everyone) }),
    users.length > 0 && saving(of),
  ];
  table.replaceChildren(h('p', { class: 'hidden', role: 'status' }, t('dash.found', { count: number(shown.length) })),
    users.length === 0 ? h('p', { class: 'quiet' }, t(of.text ? 'dash.nobody.search' : 'dash.nobody')) : rows(shown),
    h('div', { class: 'section-head' }, h('p', { class: 'small quiet' }, pages === undefined ? t('dash.page', { at: number(at) }) : t('dash.page.of', { at: number(at), of: number(pages) })), h('div', { class: 'actions' }, buttons)));
}

/** The id of the user after whom the page before a user begins, or "" for the first page. */
async function startBefore(of, id) {
  const users = await list(of, id, { order: '+created_at' }); // read backwards
  return users[size]?.id ?? '';
}

/** The address of the page before the one that is shown. */
async function before(of, shown, at) {
  const after = at > 2 && shown.length > 0 ? await startBefore(of, shown[0].id) : '';
  return { ...of, after, page: after ? at - 1 : 1 };
}

/** The last page: its users are the first ones of the other order. */
async function last(of, pages) {
  const users = await list(of, '', { order: '+created_at' });
  await go({ ...of, after: users[total % size || size].id, page: pages });
}

/** The date by which a user without a second factor has to have one. */
const dueOf = (u) => !u.two_factor_enabled && u.mfa_due_at && badge(t('dash.due', { when: day(u.mfa_due_at) }), u.mfa_due_at > now() ? 'warn' : 'bad');

const stateOf = (u) => (u.banned ? badge(t('dash.banned'), 'bad') : u.locked ? badge(t('dash.islocked'), 'warn') : badge(t('dash.open')));

function rows(users) {
  const heads = ['dash.user', 'dash.phone', 'dash.factors', 'dash.state', 'dash.created', 'dash.lastsignin'];
  const cell = (key, ...content) => h('td', { 'data-label': t(key) }, h('div', {}, content));
  return h('table', { class: 'cards' }, h('thead', {}, h('tr', {}, heads.map((key) => h('th', { scope: 'col' }, t(key))))),
    h('tbody', {}, users.map((u) => h('tr', {},
      h('td', {}, h('a', { href: userPath(u.id) }, nameOf(u)), h('div', { class: 'small quiet' }, underName(u))),
      cell('dash.phone', u.phone_numbers[0] ? phone(u.phone_numbers[0].phone_number) : '–'),
      cell('dash.factors', h('div', { class: 'actions' }, factors(u), dueOf(u))),
      cell('dash.state', stateOf(u)),
      cell('dash.created', h('span', { class: 'small quiet' }, ago(u.created_at))),
      cell('dash.lastsignin', h('span', { class: 'small quiet' }, u.last_sign_in_at ? ago(u.last_sign_in_at) : t('dash.never')))))));
}

const columns = ['id', 'first_name', 'last_name', 'username', 'email_addresses', 'phone_numbers', 'totp_enabled', 'sms_second_factor', 'backup_code_enabled', 'mfa_required', 'mfa_due_at', 'banned', 'locked', 'created_at', 'last_sign_in_at'];

const cells = (u) => [
  u.id, u.first_name, u.last_name, u.username, u.email_addresses.map((e) => e.email_address).join(' '), u.phone_numbers.map((p) => p.phone_number).join(' '), u.totp_enabled,
  u.phone_numbers.some((p) => p.reserved_for_second_factor), u.backup_code_enabled, u.mfa_required, instant(u.mfa_due_at), u.banned, u.locked, instant(u.created_at), instant(u.last_sign_in_at),
];

/** The button that saves all users of the search as a file, whatever page is shown. */
const saving = (of) => exporting({ name: 'users', columns, read: async (after = '') => {
  const users = await list(of, after, { limit: largest });
  return { rows: users.map(cells), next: users.length === largest && users.at(-1).id };
} });
