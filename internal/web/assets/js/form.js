// Fields, buttons, dialogs and their errors.

import { explain, signInFirst } from './api.js';
import { h, heading, icon, notice, page, show, t } from './page.js';

let serial = 0;

/** Thrown when the user cancels a change. It shows no error. */
export class Cancelled extends Error {
  cancelled = true;
}

/** The text of a problem, as a notice. */
export const problemNotice = (problem) => notice('bad', h('p', {}, explain(problem)));

/** A labelled field: {element, input, wrong(text)}. The error is linked to the input and announced. */
export function field({ label, hint, button, control, ...properties }) {
  const id = `f${++serial}`;
  const input = control ?? h('input', { type: 'text', spellcheck: 'false', autocapitalize: 'none', ...properties });
  input.id = id;
  const wrong = h('p', { class: 'wrong', id: `${id}-wrong`, 'aria-live': 'polite' });
  const described = [hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(' ');
  input.setAttribute('aria-describedby', described);
  const element = h('div', { class: 'field' }, h('label', { for: id }, label), button ? h('div', { class: 'with-button' }, input, button) : input,
    hint && h('p', { class: 'hint', id: `${id}-hint` }, hint), wrong);
  const say = (text) => {
    wrong.replaceChildren(...(text ? [icon('alert'), h('span', {}, text)] : []));
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  input.addEventListener('input', () => say(''));
  return {
    element, input,
    wrong(text) {
      say(text);
      if (text) {
        input.focus();
        input.select?.();
      }
    },
  };
}

/** A password field with a button that shows the text. Password managers find it by its name and autocomplete. */
export function passwordField({ label, autocomplete = 'current-password', ...more }) {
  const toggle = h('button', { type: 'button', 'aria-pressed': 'false', 'aria-label': t('password.show') }, icon('eye'));
  const f = field({ label, type: 'password', name: 'password', autocomplete, button: toggle, ...more });
  toggle.addEventListener('click', () => {
    const shown = f.input.type === 'password';
    f.input.type = shown ? 'text' : 'password';
    toggle.setAttribute('aria-pressed', String(shown));
  });
  return f;
}

/** A button that ignores clicks while its action runs. It stays focusable. */
export function button(label, { kind = '', shape, act, wrong, ...properties } = {}) {
  const b = h('button', { type: act ? 'button' : 'submit', class: kind, ...properties }, shape && icon(shape), h('span', {}, label));
  if (act) b.addEventListener('click', () => once(b, act, wrong));
  return b;
}

/** Runs an action unless the button is busy. Problems are passed to wrong, or shown in an alert after the button. */
export async function once(b, act, wrong) {
  if (b.getAttribute('aria-disabled') === 'true') return;
  b.setAttribute('aria-busy', 'true');
  b.setAttribute('aria-disabled', 'true');
  try {
    await act();
  } catch (problem) {
    if (problem?.cancelled) return;
    if (problem?.code === 'authentication_invalid' && location.pathname.startsWith('/account/')) return void (await signInFirst());
    Promise.resolve((wrong ?? tell)(problem)).catch(tell);
  } finally {
    b.removeAttribute('aria-busy');
    b.removeAttribute('aria-disabled');
  }
}

/** A form that ignores submits while one runs. Fields keep their values. */
export function form({ fields, submit, act, wrong, more }) {
  const f = h('form', { class: 'stack', novalidate: true, method: 'post' }, fields, more, submit);
  f.addEventListener('submit', (event) => {
    event.preventDefault();
    once(submit, act, wrong);
  });
  return f;
}

/**
 * A modal dialog that closes with Escape. Resolves to the argument of close().
 *   leave   says whether Escape may close the dialog now
 */
export function dialog(build, { leave = () => true } = {}) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const box = h('div', { class: 'stack' });
    const d = h('dialog', {}, box, h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' }));
    d.addEventListener('cancel', (event) => { if (event.target === d && !leave()) event.preventDefault(); });
    // A browser closes a dialog at the second Escape whatever the handler of cancel says, unless the key press is prevented.
    d.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !leave()) event.preventDefault(); });
    let result;
    const close = (value) => {
      result = value;
      d.close();
    };
    d.addEventListener('close', () => {
      d.remove();
      if (before?.isConnected) before.focus();
      resolve(result);
    });
    document.body.append(d);
    build(box, close);
    const title = box.querySelector('h1, h2');
    title.id = `d${++serial}`;
    d.setAttribute('aria-labelledby', title.id);
    d.showModal();
    (box.querySelector('[data-focus]') ?? box.querySelector('button, input')).focus();
  });
}

/** Asks before a change that cannot be undone. */
export const confirm = ({ title, text, yes, danger = true }) => dialog((box, close) => show(box, [
  h('h2', {}, title), h('p', { class: 'quiet' }, text),
  h('div', { class: 'actions' }, button(yes, { kind: danger ? 'main danger' : 'main', act: () => close(true) }), button(t('button.cancel'), { act: () => close(false), 'data-focus': true })),
], { focus: false }));

/** An error that belongs to no field. */
export const tell = (problem) => dialog((box, close) => show(box, [
  h('h2', {}, t('error.title')), problemNotice(problem), button(t('button.close'), { kind: 'main wide', act: () => close(), 'data-focus': true }),
], { focus: false }));

/** The error of a page that could not load, with a button that tries again. */
export const failed = (problem, again) => h('section', { class: 'card stack' }, problemNotice(problem), button(t('button.again'), { kind: 'main', act: again }));

/** Loads a page, and offers to try again after an error. */
export async function load(host, build) {
  try {
    await build();
  } catch (problem) {
    const view = failed(problem, () => load(host, build));
    const titled = [...page.querySelectorAll('h1')].some((title) => !host.contains(title)); // by what stays
    if (!titled) view.prepend(heading('h1', 'alert', t('error.title'), undefined, 'bad'));
    show(host, view);
  }
}
