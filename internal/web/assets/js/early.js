// The module that runs first: it starts the page's first requests while the other modules load, and says
// when these did not load. It imports nothing.

/** The headers of every request. The version of Clerk's protocol is the first whose clients know a passkey as a second factor. */
export const headers = { Accept: 'application/json', 'Clerk-API-Version': '2026-08-20' };

const asks = ['sign-in', 'account'].includes(document.documentElement.className) ? ['/v1/client'] : [];
const methods = /^\/(sign-in|tasks\/|account\/(security|add-phone|password))/.test(location.pathname) ? ['/v1/environment'] : [];
const started = new Map([...asks, ...methods].map((path) => {
  const answer = fetch(path, { credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(20_000), headers });
  answer.catch(() => {}); // the page then asks again
  return [path, answer];
}));

/** The answer of a request that started early, once; undefined for every other request. */
export function early(method, path) {
  const answer = method === 'GET' ? started.get(path) : undefined;
  started.delete(path);
  return answer;
}

/** Says that all modules of the page loaded. */
export function loaded() {
  document.querySelector('.waiting')?.classList.add('loaded');
}

// The event comes when every script has run or failed.
window.addEventListener('load', () => document.querySelector('.waiting:not(.loaded)')?.classList.add('failed'));
