// One-time codes: the input field, and the button that sends another one.

import { Problem, explain } from './api.js';
import { button, field } from './form.js';
import { h, lang, later, notice, rich, t } from './page.js';

const between = 30; // seconds between two text messages to a number

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

/** Calls tick with the seconds that are left, now and until 0. It is measured by the clock, because timers are slow in background pages. */
function countdown(seconds, tick) {
  const end = performance.now() + seconds * 1000;
  const timer = setInterval(look, 500);
  function look() {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    if (left === 0) clearInterval(timer);
    tick(left);
  }
  setTimeout(look); // after the click's busy state has ended
  return () => clearInterval(timer);
}

const spoken = 10; // seconds between two times in a description
let counters = 0;

/**
 * Shows how long a button waits: {show(key, left), end(name)}. A screen reader reads a focused button again whenever its name changes,
 * so the name stays, the countdown is for eyes only, and a description has the time in steps of ten seconds.
 */
function counter(b) {
  const name = b.querySelector('span');
  const seen = h('span', { 'aria-hidden': 'true', hidden: true });
  const described = h('span', { id: `wait-${++counters}`, hidden: true });
  b.append(seen, described);
  return {
    show(key, left) {
      name.className = 'hidden';
      seen.hidden = false;
      seen.textContent = t(key, { when: later(left) });
      const said = t(key, { when: later(Math.ceil(left / spoken) * spoken) });
      if (described.textContent !== said) described.textContent = said;
      b.setAttribute('aria-describedby', described.id);
    },
    end() {
      name.className = '';
      seen.hidden = true;
      described.textContent = '';
      b.removeAttribute('aria-describedby');
    },
  };
}

/** Switches the field of a code and its button off for some seconds. With count, the button shows how many are left. */
export function holder(f, submit) {
  const wait = counter(submit);
  let stop = () => {};
  return (seconds, { count = false } = {}) => {
    stop();
    stop = countdown(seconds, (left) => {
      f.input.readOnly = left > 0;
      for (const e of [f.input, submit]) {
        if (left > 0) e.setAttribute('aria-disabled', 'true');
        else e.removeAttribute('aria-disabled');
      }
      if (left > 0 && count) wait.show('otp.wait', left);
      else wait.end();
    });
  };
}

/** The button that sends a code. After each code it counts down a pause. */
function resend(send, wrong) {
  const b = button(t('otp.send'), { kind: 'plain short', act: send, wrong });
  const name = b.querySelector('span');
  const wait = counter(b);
  let stop = () => {};
  b.pause = (seconds) => {
    stop();
    name.textContent = t('otp.again');
    stop = countdown(seconds, (left) => {
      if (left > 0) b.setAttribute('aria-disabled', 'true');
      else b.removeAttribute('aria-disabled');
      if (left > 0) wait.show('otp.again.in', left);
      else wait.end();
    });
  };
  return b;
}

/**
 * The text message with a code: {text, more, begin, missing, stop, failed}. text and more are parts of the form.
 * begin sends the message, missing says that no code waits any more, stop ends the listening, failed shows a problem.
 *   number    returns the number as an element or a text
 *   prepare   requests a message; returns the verification that waits for its code
 *   hold      switches the code's field off, as holder does
 *   other     handles a problem that is not about sending; returns whether it did
 *   input     returns the code's field
 */
export function texting({ number, prepare, hold, other, input }) {
  const text = h('span', {}, rich('otp.phone.to', { number: number() }));
  const status = h('p', { class: 'small quiet', role: 'status' });
  const alert = h('div', { role: 'alert' });
  let waits = false; // whether a code waits to be typed
  let stopListening = () => {};

  function sent(verification, words) {
    waits = true;
    text.replaceChildren(...rich('otp.phone.text', { number: number() }));
    status.textContent = words;
    again.pause(verification.retry_after);
    stopListening();
    stopListening = listenForText(input());
  }
  const sentAt = (verification) => t('otp.sent.at', { when: new Intl.DateTimeFormat(lang, { timeStyle: 'short' }).format(verification.sent_at) });
  const failed = (problem) => {
    status.textContent = '';
    if (other(problem)) return;
    const recent = problem.code === 'verification_code_too_many_requests' && problem.retry > 0 && problem.retry <= between;
    // The time that is left stands in the button only.
    alert.replaceChildren(recent ? notice('warn', h('p', {}, t('otp.elsewhere'))) : notice('bad', h('p', {}, explain(problem, { timed: false }))));
    if (!(problem.retry > 0)) return;
    again.pause(problem.retry);
    if (!waits || problem.code === 'too_many_requests') hold(problem.retry);
  };
  const again = resend(async () => {
    alert.replaceChildren();
    status.textContent = t('otp.sending');
    const verification = await prepare();
    // A message that left before this request needs no second one.
    sent(verification, verification.retry_after < between - 1 ? sentAt(verification) : t('otp.sent'));
  }, failed);

  return {
    text, more: [alert, h('div', { class: 'section-head' }, status, again)],
    /** Sends the message, unless one was sent or refused before. A reload says what became of that one. */
    begin(verification) {
      if (!verification) again.click();
      else if (verification.sent_at) sent(verification, sentAt(verification));
      else failed(new Problem('sms_send_error'));
    },
    missing() { waits = false; },
    stop() { stopListening(); },
    failed,
  };
}
