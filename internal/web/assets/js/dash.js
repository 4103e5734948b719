// Shared parts of the dashboard's pages: requests to the Backend API, the tabs, the save bar.

import { request } from './api.js';
import { button } from './form.js';
import { h, has, t } from './page.js';

/** Sends a request with the dashboard's cookie. When the session has expired, the browser goes to the sign-in. */
export async function ask(method, path, json) {
  try {
    return await request(method, `/dashboard/api${path}`, { json: method === 'GET' ? undefined : json ?? {} });
  } catch (problem) {
    if (problem.status !== 401 || path === '/session') throw problem;
    location.replace('/dashboard/sign-in');
    return new Promise(() => {});
  }
}

const tabs = [['/dashboard', 'dash.settings.title'], ['/dashboard/users', 'dash.users.title'], ['/dashboard/messages', 'dash.sms.title'], ['/dashboard/statistics', 'dash.statistics.title'], ['/dashboard/events', 'dash.events.title'], ['/dashboard/appearance', 'dash.appearance.title']];

export function drawTabs() {
  const here = tabs.map(([href]) => href).findLast((href) => location.pathname.startsWith(href));
  document.getElementById('top').replaceChildren(
    h('nav', { class: 'tabs', 'aria-label': t('dash.nav') }, tabs.map(([href, key]) => h('a', { href, 'aria-current': href === here && 'page' }, t(key)))),
    button(t('frame.signout'), { kind: 'short', act: async () => {
      await ask('DELETE', '/session');
      location.replace('/dashboard/sign-in');
      await new Promise(() => {});
    } }));
}

/** The bar with the save button. It stays visible while dirty() returns true. */
export function saveBar({ dirty, act, wrong }) {
  const status = h('p', { role: 'status', class: 'small quiet' });
  const mark = () => {
    const some = dirty();
    status.textContent = some ? t('dash.unsaved') : '';
    element.classList.toggle('dirty', some);
  };
  const element = h('div', { class: 'card save' }, status, button(t('dash.save'), { kind: 'main', wrong, act: async () => {
    await act();
    mark();
  } }));
  return { element, mark };
}

/** The display name of a setting. */
export const settingName = (name) => (has(`dash.${name}`) ? t(`dash.${name}`) : name);

export const badge = (text, tone = '') => h('span', { class: `badge ${tone}` }, text);

/** The display name of a user. */
export const nameOf = (u) => [u.first_name, u.last_name].filter(Boolean).join(' ') || u.username || u.email_addresses[0]?.email_address || u.id;

/** A user's factors, as badges. */
export function factors(u) {
  const reserved = u.phone_numbers.some((p) => p.reserved_for_second_factor);
  const list = [u.totp_enabled && badge(t('dash.totp'), 'good'), reserved && badge(t('dash.sms'), 'good'), u.backup_code_enabled && badge(t('dash.backup'))].filter(Boolean);
  return list.length > 0 ? list : [badge(t('dash.none'))];
}
