// Shared parts of the dashboard's pages: requests to the Backend API, the tabs, the save bar.

import { request } from './api.js';
import { signInAddress } from './dashreturn.js';
import { button, confirm } from './form.js';
import { badge, focusTitle, h, lang, leaveFor, t, textOr } from './page.js';

/**
 * Sends a request with the dashboard's cookie. When the session has expired, the browser goes to the sign-in, unless
 * the page has unsaved changes. The audit log has the reason of a change.
 */
export async function ask(method, path, json, reason) {
  try {
    return await request(method, `/dashboard/api${path}`, {
      json: method === 'GET' ? undefined : json ?? {}, headers: reason ? { 'Countersign-Reason': encodeURIComponent(reason) } : undefined,
    });
  } catch (problem) {
    if (problem.status !== 401 || path === '/session' || hasChanges()) throw problem;
    return leaveFor(signInAddress());
  }
}

const tabs = [['/dashboard', 'dash.settings.title'], ['/dashboard/users', 'dash.users.title'], ['/dashboard/messages', 'dash.sms.title'], ['/dashboard/statistics', 'dash.statistics.title'], ['/dashboard/events', 'dash.events.title'], ['/dashboard/appearance', 'dash.appearance.title']];

export function drawTabs() {
  const here = tabs.map(([href]) => href).findLast((href) => location.pathname.startsWith(href));
  document.getElementById('top').replaceChildren(
    h('nav', { class: 'tabs', 'aria-label': t('dash.nav') }, tabs.map(([href, key]) => h('a', { href, 'aria-current': href === here && 'page' }, t(key)))),
    button(t('frame.signout'), { kind: 'short', act: async () => {
      if (!(await leave())) return;
      await ask('DELETE', '/session');
      await leaveFor('/dashboard/sign-in');
    } }));
}

let hasChanges = () => false;
let leaving = false;

/** Returns whether the browser may leave the page: it asks first if there are unsaved changes. */
async function leave() {
  if (!hasChanges()) return true;
  leaving = await confirm({ title: t('dash.leave.title'), text: t('dash.leave.text'), yes: t('dash.leave.yes') });
  return leaving;
}

/** Asks before unsaved changes are lost: the page's links in a dialog of ours, all other ways in the browser's. */
function guard() {
  window.addEventListener('beforeunload', (event) => { if (hasChanges() && !leaving) event.preventDefault(); });
  document.addEventListener('click', async (event) => {
    const link = event.target.closest?.('a[href]');
    const elsewhere = !link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.hasAttribute('download') || link.target === '_blank' || link.getAttribute('href').startsWith('#');
    if (elsewhere || event.defaultPrevented || !hasChanges()) return;
    event.preventDefault();
    if (await leave()) location.assign(link.href);
  });
}

/**
 * The bar with the buttons that save and discard changes. It is shown while dirty() returns true, and until then the
 * browser asks before it leaves the page.
 */
export function saveBar({ dirty, act, wrong }) {
  const status = h('p', { role: 'status', class: 'small quiet' });
  const discard = button(t('dash.discard'), { act: async () => {
    leaving = true;
    location.reload();
    await new Promise(() => {});
  } });
  const save = button(t('dash.save'), { kind: 'main', wrong, act: async () => {
    leaving = true; // the action may load the page again
    try {
      await act();
    } finally {
      leaving = false;
    }
    mark();
    if (!dirty()) focusTitle();
  } });
  const element = h('div', { class: 'save' }, status, discard, save);
  function mark() {
    const some = dirty();
    status.textContent = some ? t('dash.unsaved') : '';
    discard.hidden = save.hidden = !some;
    element.className = some ? 'card save dirty' : 'save';
  }
  hasChanges = dirty;
  guard();
  mark();
  return { element, mark };
}

/** The display name of a setting. */
export const settingName = (name) => textOr(`dash.${name}`, name);

/** The display name of a user. */
export const nameOf = (u) => [u.first_name, u.last_name].filter(Boolean).join(' ') || u.username || u.email_addresses[0]?.email_address || u.id;

/** The line under that name: the address or username, unless it is the name. */
export function underName(u) {
  const line = u.email_addresses[0]?.email_address ?? u.username ?? '';
  return line === nameOf(u) ? '' : line;
}

/** The path of the dashboard's page of a user. */
export const userPath = (id) => `/dashboard/users/${encodeURIComponent(id)}`;

/** An amount of money in words. */
export const usd = (amount) => new Intl.NumberFormat(lang, { style: 'currency', currency: 'USD', maximumFractionDigits: 4 }).format(amount);

/** A user's factors, as badges. */
export function factors(u) {
  const reserved = u.phone_numbers.some((p) => p.reserved_for_second_factor);
  const list = [u.totp_enabled && badge(t('dash.totp'), 'good'), reserved && badge(t('dash.sms'), 'good'), u.backup_code_enabled && badge(t('dash.backup'))].filter(Boolean);
  return list.length > 0 ? list : [badge(t('dash.none'))];
}
