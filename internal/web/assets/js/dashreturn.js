// The way to the dashboard's sign-in and back. The sign-in's address names the page; a search in the fragment stays there.

const signIn = '/dashboard/sign-in';

/** The address of the sign-in that leads back to this page. */
export function signInAddress() {
  const here = location.pathname + location.search;
  return `${signIn}${here === '/dashboard' ? '' : `?redirect_url=${encodeURIComponent(here)}`}${location.hash}`;
}

/** The address after the sign-in: a page of the dashboard in ?redirect_url=, else its first page. The check is of the parsed address, so that no spelling of it leads to another site. */
export function afterSignIn() {
  const asked = new URLSearchParams(location.search).get('redirect_url');
  const to = URL.canParse(asked ?? '', location.origin) && new URL(asked ?? '', location.origin);
  const ours = to && to.origin === location.origin && /^\/dashboard(\/|$)/.test(to.pathname) && to.pathname !== signIn;
  if (!ours) return '/dashboard';
  to.hash = location.hash;
  return to.href;
}
