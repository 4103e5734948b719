// The display of new backup codes, which is shown once.

import { copyButton } from './copyable.js';
import { button } from './form.js';
import { day, h, heading, name, notice, saveFile, show, t } from './page.js';

/** Shows a set of codes of the account who until the user confirms that they are saved. */
export function showCodes(host, codes, done, { lead, who }) {
  const title = t('codes.file.title', { name });
  const origin = [who, location.host, t('codes.file.made', { when: day(Date.now()) })].join(' · ');
  const text = `${title}\n${origin}\n\n${codes.map((code, i) => `${String(i + 1).padStart(2)}. ${code}  ☐`).join('\n')}\n\n${t('codes.file.text')}\n`;
  const warn = (event) => event.preventDefault();
  window.addEventListener('beforeunload', warn);
  const check = h('input', { type: 'checkbox', 'aria-describedby': 'unsaved' });
  const wrong = h('p', { class: 'wrong small', id: 'unsaved', 'aria-live': 'polite' });
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
    lead && h('div', { class: 'no-print' }, lead), h('div', { class: 'no-print' }, heading('h1', 'key', t('codes.show.title'), t('codes.show.text'))),
    h('div', { class: 'print-only tight' }, h('p', {}, h('strong', {}, title)), h('p', {}, origin)),
    h('ol', { class: 'codes', 'aria-label': t('codes.title') }, codes.map((c) => h('li', {}, c))),
    h('p', { class: 'print-only' }, t('codes.file.text')),
    h('div', { class: 'actions no-print' }, copyButton(text),
      button(t('button.download'), { kind: 'short', act: () => download(text, who) }),
      button(t('button.print'), { kind: 'short', act: () => window.print() })),
    h('div', { class: 'no-print' }, notice('warn', h('p', {}, t('codes.once')))),
    h('div', { class: 'no-print field' }, h('label', { class: 'check' }, check, h('span', {}, t('codes.saved'))), wrong),
    h('div', { class: 'no-print' }, finish)), { title: t('codes.show.title') });
}

/** A part of a file's name: letters and digits of any script, and the signs of an e-mail address. */
const part = (text) => text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}@._+]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '');

function download(text, who) {
  saveFile(`${[name, t('codes.file.name'), who].map(part).filter(Boolean).join('-')}.txt`, [text], 'text/plain');
}
