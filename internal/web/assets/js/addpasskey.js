// The dialog that adds a passkey to the account, and names it.

import { del, explain, patch, post } from './api.js';
import { deviceOf } from './device.js';
import { Cancelled, button, dialog } from './form.js';
import { h, notice, show, t } from './page.js';
import { nameForm } from './rename.js';
import { sensitively } from './reverify.js';
import { makePasskey } from './webauthn.js';

/** The most characters of a passkey's name, as in the API. */
export const longest = 64;

const pathOf = (passkey) => `/me/passkeys/${encodeURIComponent(passkey.id)}`;

/** Begins an enrolment, which is in no list until it is complete. */
const begin = async (sessionID) => (await sensitively(sessionID, () => post('/me/passkeys'))).response;

/** The first name that the server gave, "Chrome on Linux", in the language of the page; with a number, if another passkey has it. */
function firstName(passkey, taken) {
  const [, browser_name, device_type] = /^(.+) on (.+)$/.exec(passkey.name) ?? [];
  const base = browser_name ? deviceOf({ latest_activity: { browser_name, device_type } }) : t('event.by.passkey');
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base} ${n}`;
    if (!taken.includes(name)) return name;
  }
}

/** Saves a name that is not the present one. Returns the last answer. */
export const named = async (passkey, name, answer) => (name === passkey.name ? answer : patch(pathOf(passkey), { name }));

/** Adds a passkey to the account of a session. Resolves to the last answer, and throws Cancelled if none was added. */
export async function addPasskey(session) {
  const taken = session.user.passkeys.map((p) => p.name);
  let enrolment = await begin(session.id); // with step-up, before the dialog opens
  let result, browser;
  let answered = false; // the server has the answer, so that the dialog waits for it

  /** Ends an enrolment that is not complete. The server ends it too, a few minutes later. */
  const drop = async () => {
    const begun = enrolment;
    enrolment = undefined;
    browser?.abort();
    if (begun && !result) await del(pathOf(begun)).catch(() => {});
  };

  await dialog((box, close) => {
    const title = h('h2', { tabindex: '-1' });
    const draw = (heading, ...parts) => {
      title.textContent = heading;
      show(box, [title, ...parts], { focus: box.isConnected && Boolean(box.closest('dialog[open]')) });
    };
    const closing = (label) => button(label, { kind: 'wide', act: () => close() });

    function failed(problem) {
      draw(t('passkey.add.title'), notice('bad', h('p', {}, explain(problem))), button(t('button.again'), { kind: 'main wide', 'data-focus': true, act: run, wrong: failed }), closing(t('button.close')));
    }

    /** Asks the browser for a passkey, at first with the enrolment that began. */
    async function run() {
      enrolment ??= await begin(session.id);
      const { id, verification } = enrolment;
      browser = new AbortController();
      draw(t('passkey.add.title'), h('p', { class: 'quiet', role: 'status' }, t('passkey.add.text')), closing(t('button.cancel')));
      try {
        const credential = await makePasskey(verification.nonce, browser.signal);
        answered = true;
        draw(t('passkey.add.title'), h('p', { class: 'quiet', role: 'status' }, t('signin.ticket.text')));
        result = await post(`${pathOf({ id })}/attempt_verification`, { strategy: 'passkey', public_key_credential: credential });
      } catch (problem) {
        answered = false;
        await drop();
        if (problem.cancelled) return;
        return failed(problem);
      }
      answered = false;
      const passkey = result.response;
      draw(t('passkey.name.title'), h('p', { class: 'quiet' }, t('passkey.name.text')), nameForm({
        value: firstName(passkey, taken), longest, yes: t('button.save'), leave: button(t('passkey.name.later'), { act: () => close() }),
        act: async (name) => {
          result = await named(passkey, name, result);
          close();
        },
      }));
    }
    run().catch(failed);
  }, { leave: () => !answered });
  await drop();
  if (!result) throw new Cancelled();
  return result;
}
