// The Frontend API of the page's own origin, with the browser's cookies.

import { withTicket } from './address.js';
import { early, headers as always } from './early.js';
import { has, later, leaveFor, now, setClock, t } from './page.js';

/** An error answer of the API, or a network error. */
export class Problem extends Error {
  constructor(code, { status = 0, retry = 0, meta = {} } = {}) {
    super(code);
    Object.assign(this, { code, status, retry, meta });
  }
}

/** Sends one request. Returns the decoded body, or undefined without one. Throws a Problem. */
export async function request(method, path, { form, json, headers } = {}) {
  const options = { method, credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(20000), headers: { ...always, ...headers } };
  if (form) options.body = new URLSearchParams(form);
  if (json !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(json);
  }
  let response, body;
  try {
    response = (await early(method, path)?.catch(() => {})) ?? (await fetch(path, options));
    setClock(response.headers.get('Date'));
    const text = await response.text();
    body = text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new Problem(response ? 'internal_clerk_error' : 'network', { status: response?.status });
  }
  if (!response.ok) {
    const first = body?.errors?.[0] ?? {};
    throw new Problem(first.code ?? 'internal_clerk_error', {
      status: response.status, retry: Number(response.headers.get('Retry-After')) || 0, meta: first.meta ?? {},
    });
  }
  return body;
}

let session; // the session that the page shows

/** Binds the page to the session that it shows. A request then never acts for another user who signs in in another tab. */
export function bind(id) {
  session = id;
}

const v1 = (path) => `/v1${path}${session && path.startsWith('/me') ? `${path.includes('?') ? '&' : '?'}_clerk_session_id=${encodeURIComponent(session)}` : ''}`;
export const get = (path) => request('GET', v1(path));
export const post = (path, form = {}) => request('POST', v1(path), { form });
export const patch = (path, form) => request('PATCH', v1(path), { form });
export const del = (path) => request('DELETE', v1(path));

/** The active session of a client resource. */
export function activeSession(client) {
  const sessions = client?.sessions ?? [];
  return sessions.find((s) => s.id === client.last_active_session_id) ?? sessions[0];
}

/** Whether the user has no second factor, and has to have one from a date on that is still to come. */
export const mustEnrolLater = (user) => !user.two_factor_enabled && user.mfa_due_at > now();

/** The texts of a problem whose cause has texts of its own, such as a lock by an operator; else those of its code. */
function textsOf(problem) {
  const special = `${problem.code}.${problem.meta.reason}`;
  return has(special) ? special : problem.code;
}

/** The title and the advice for an account that is locked or banned. */
export const whyShut = (problem) => ({ title: t(`${textsOf(problem)}.title`), advice: t(`${textsOf(problem)}.advice`) });

/** The text that a user sees for a problem. With timed, it has the time to wait; a page whose countdown shows that leaves it out. */
export function explain(problem, { timed = true } = {}) {
  if (!(problem instanceof Problem)) {
    console.error(problem);
    return t('error.unknown');
  }
  if (problem.meta.reason === 'sms_paused') return t('error.sms_paused');
  const seconds = problem.meta.lockout_expires_in_seconds ?? problem.retry;
  if (has(textsOf(problem))) return t(textsOf(problem), { when: later(seconds) });
  const wait = `error.${problem.code}.wait`;
  if (timed && seconds > 0 && has(wait)) return t(wait, { when: later(seconds) });
  return t(has(`error.${problem.code}`) ? `error.${problem.code}` : 'error.unknown');
}

/** Goes to the sign-in page, which returns here. A ticket is passed on in the fragment. */
export function signInFirst(ticket) {
  return leaveFor(withTicket(`/sign-in?redirect_url=${encodeURIComponent(location.pathname)}`, ticket));
}
