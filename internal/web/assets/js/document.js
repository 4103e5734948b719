// The module of documents: tabs (WAI-ARIA Authoring Practices, pattern Tabs, with automatic activation), copy buttons,
// and a filter. Without it a document shows everything.

/** Shows the panel of a tab and hides the others. */
function select(tabs, chosen) {
  for (const tab of tabs) {
    const on = tab === chosen;
    tab.setAttribute('aria-selected', String(on));
    tab.tabIndex = on ? 0 : -1;
    document.getElementById(tab.getAttribute('aria-controls')).hidden = !on;
  }
}

/** The tab to which a key leads, or undefined. */
function toTab(tabs, from, key) {
  const at = tabs.indexOf(from);
  const step = getComputedStyle(from).direction === 'rtl' ? -1 : 1;
  const to = { ArrowRight: at + step, ArrowLeft: at - step, Home: 0, End: tabs.length - 1 }[key];
  return to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
}

for (const list of document.querySelectorAll('[role=tablist]')) {
  const tabs = [...list.querySelectorAll('[role=tab]')];
  for (const tab of tabs) {
    document.getElementById(tab.getAttribute('aria-controls')).setAttribute('role', 'tabpanel');
    tab.addEventListener('click', () => select(tabs, tab));
    tab.addEventListener('keydown', (event) => {
      const next = toTab(tabs, tab, event.key);
      if (!next || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      select(tabs, next);
      next.focus();
    });
  }
  list.hidden = false;
  select(tabs, tabs[0]);
}

const said = document.getElementById('toasts');

/** Says something to screen readers too, for six seconds. */
function say(text) {
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.textContent = text;
  said.replaceChildren(toast);
  setTimeout(() => toast.remove(), 6000);
}

for (const copy of document.querySelectorAll('button.copy')) {
  copy.hidden = false;
  copy.addEventListener('click', async () => {
    const text = copy.closest('figure').querySelector('pre').textContent;
    try {
      await navigator.clipboard.writeText(text);
      say('Copied.');
    } catch {
      say('This browser does not allow it. Select the lines and copy them.');
    }
  });
}

const search = document.querySelector('input[type=search][data-filter]');

/** Shows the articles that have every word of the search, and the sections and links that lead to one. */
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const article of document.querySelectorAll('article')) {
    const text = article.textContent.toLowerCase();
    article.hidden = !words.every((word) => text.includes(word));
    if (!article.hidden) count++;
    for (const link of document.querySelectorAll(`nav a[href="#${CSS.escape(article.id)}"]`)) link.closest('li').hidden = article.hidden;
  }
  for (const part of document.querySelectorAll('[data-part]')) part.hidden = !part.querySelector('article:not([hidden]), li:not([hidden])');
  document.getElementById('found').textContent = `${count} ${count === 1 ? 'operation' : 'operations'}`;
}

if (search) {
  search.closest('[hidden]')?.removeAttribute('hidden');
  search.addEventListener('input', filter);
  filter();
}
