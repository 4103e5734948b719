// One-time codes: the input field, and the button that sends another one.

import { button, field } from './form.js';
import { h, later, t } from './page.js';

/** The six digits in a text: those of the origin-bound line, else the first group of exactly six. Full-width digits count. */
export function digitsIn(text) {
  const plain = text.normalize('NFKC');
  const bound = /^@\S+ #(\d{6})\s*$/m.exec(plain);
  if (bound) return bound[1];
  const group = /(?<!\d)(\d{3})[ \u00a0-]?(\d{3})(?!\d)/.exec(plain);
  return group ? group[1] + group[2] : '';
}

/** A field for six digits. It calls done() when they are complete: typed, pasted with the message, or filled by the browser. */
export function codeField({ label, hint, done }) {
  const f = field({
    label, hint, class: 'code', name: 'otp', required: true, inputmode: 'numeric', autocomplete: 'one-time-code', autocorrect: 'off', enterkeyhint: 'done', maxlength: 400, 'data-focus': true, dir: 'ltr',
  });
  const { input } = f;
  input.addEventListener('paste', (event) => {
    const code = digitsIn(event.clipboardData?.getData('text') ?? '');
    if (code === '') return;
    event.preventDefault();
    input.value = code;
    input.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }));
  });
  let last = '';
  input.addEventListener('input', (event) => {
    if (event.isComposing) return;
    const text = input.value.normalize('NFKC');
    const value = digitsIn(text) || text.replace(/\D/g, '').slice(0, 6);
    if (value !== input.value) input.value = value;
    if (value.length === 6 && value !== last) done();
    last = value;
  });
  return f;
}

/** Reads the code with the WebOTP API. The message is bound to this origin, so no other can read it. */
export function listenForText(input) {
  if (!('OTPCredential' in window)) return () => {};
  const stop = new AbortController();
  navigator.credentials.get({ otp: { transport: ['sms'] }, signal: stop.signal }).then((otp) => {
    if (!otp || !input.isConnected) return;
    input.value = otp.code;
    input.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }).catch(() => {}); // declined or aborted: the user types the code
  return () => stop.abort();
}

const between = 30; // seconds between two text messages

/** Whether an error only means that a message was sent less than 30 seconds ago. */
export const justSent = (problem) => problem.code === 'verification_code_too_many_requests' && problem.retry > 0 && problem.retry <= between;

/** The button that sends a code. After each code it counts down a pause. */
export function resend(send, wrong) {
  const label = h('span', {}, t('otp.send'));
  const b = button('', { kind: 'plain short', act, wrong });
  b.replaceChildren(label);
  let timer;
  async function act() {
    await send();
  }
  /** Starts the pause. It is measured by the clock, because timers are slow in background pages. */
  b.pause = (seconds = between) => {
    clearInterval(timer);
    const end = performance.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      if (left <= 0 || (!b.isConnected && left < seconds)) {
        clearInterval(timer);
        b.removeAttribute('aria-disabled');
        label.textContent = t('otp.again');
        return;
      }
      b.setAttribute('aria-disabled', 'true');
      label.textContent = t('otp.again.in', { when: later(left) });
    };
    // after the click's busy state has ended
    setTimeout(tick);
    timer = setInterval(tick, 500);
  };
  return b;
}
