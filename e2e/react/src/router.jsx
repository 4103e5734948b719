import { useSyncExternalStore } from 'react';

const changed = 'pages:changed';

export function go(to, replace = false) {
  const url = new URL(to, location.href);
  if (url.origin !== location.origin) return void location.assign(url);
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  dispatchEvent(new Event(changed));
}

function listen(tell) {
  for (const event of ['popstate', changed]) addEventListener(event, tell);
  return () => { for (const event of ['popstate', changed]) removeEventListener(event, tell); };
}

export const usePath = () => useSyncExternalStore(listen, () => location.pathname);

export function Link({ to, children }) {
  return <a href={to} onClick={e => { e.preventDefault(); go(to); }}>{children}</a>;
}
