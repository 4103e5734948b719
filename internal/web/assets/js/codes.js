// The display of new backup codes, which is shown once.

import { button } from './form.js';
import { copy, h, heading, name, notice, show, t } from './page.js';

/** Shows a set of codes until the user confirms that they are saved. */
export function showCodes(host, codes, done, { lead } = {}) {
  const text = `${t('codes.file.title', { name })}\n\n${codes.join('\n')}\n\n${t('codes.file.text')}\n`;
  const warn = (event) => event.preventDefault();
  window.addEventListener('beforeunload', warn);
  const check = h('input', { type: 'checkbox', 'aria-describedby': 'unsaved' });
  const wrong = h('p', { class: 'wrong small', id: 'unsaved', 'aria-live': 'assertive' });
  const finish = button(t('button.done'), { kind: 'main wide', act: async () => {
    if (!check.checked) {
      wrong.textContent = t('codes.unsaved');
      check.setAttribute('aria-invalid', 'true');
      check.focus();
      return;
    }
    window.removeEventListener('beforeunload', warn);
    await done();
  } });
  check.addEventListener('change', () => {
    wrong.textContent = '';
    check.removeAttribute('aria-invalid');
  });
  show(host, h('section', { class: 'card stack' },
    lead, heading('h1', 'key', t('codes.show.title'), t('codes.show.text')),
    h('ul', { class: 'codes', 'aria-label': t('codes.title') }, codes.map((c) => h('li', {}, c))),
    h('div', { class: 'actions no-print' },
      button(t('button.copy'), { shape: 'copy', kind: 'short', act: () => copy(codes.join('\n')) }),
      button(t('button.download'), { kind: 'short', act: () => download(text) }),
      button(t('button.print'), { kind: 'short', act: () => window.print() })),
    h('div', { class: 'no-print' }, notice('warn', h('p', {}, t('codes.once')))),
    h('div', { class: 'no-print field' }, h('label', { class: 'check' }, check, h('span', {}, t('codes.saved'))), wrong),
    h('div', { class: 'no-print' }, finish)), { title: t('codes.show.title') });
}

function download(text) {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  h('a', { href: address, download: 'backup-codes.txt' }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
