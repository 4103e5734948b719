// Step-up: a change that needs it opens a dialog, and continues afterwards.

import { explain, post } from './api.js';
import { challenge, proofOf, usable } from './challenge.js';
import { Cancelled, button, dialog } from './form.js';
import { h, heading, notice, show, t } from './page.js';
import { reauthAddress } from './reauth.js';

/** Runs a change. When the API requires step-up, the user verifies a factor and the change runs again. */
export async function sensitively(sessionID, change) {
  try {
    return await change();
  } catch (problem) {
    if (problem.code !== 'session_reverification_required') throw problem;
  }
  if (!(await ask(sessionID))) throw new Cancelled();
  return change();
}

async function ask(sessionID) {
  const at = `/client/sessions/${encodeURIComponent(sessionID)}/verify`;
  const begun = (await post(at, { level: 'second_factor' })).response;
  const second = begun.status === 'needs_second_factor';
  const factors = usable(second ? begun.supported_second_factors : begun.supported_first_factors);
  const step = second ? 'second_factor' : 'first_factor';
  const elsewhere = factors.length === 0 && !second ? await reauthAddress() : undefined;
  const restore = document.title;
  const proved = await dialog((box, close) => {
    const cancel = button(t('button.cancel'), { kind: 'plain wide', act: () => close(false) });
    if (elsewhere) {
      show(box, [heading('h2', 'lock', t('reverify.title'), t('reauth.text')), h('a', { class: 'button main wide', href: elsewhere, 'data-focus': true }, t('reauth.go')), cancel], { focus: false });
      return;
    }
    if (factors.length === 0) {
      show(box, [heading('h2', 'lock', t('reverify.title')), notice('plain', h('p', {}, t('reverify.none'))), cancel], { focus: false });
      return;
    }
    const lead = h('div', { class: 'tight' }, h('h2', {}, t('reverify.title')), h('p', { class: 'small quiet' }, t('reverify.text')));
    challenge(box, {
      factors, level: 'h3', lead, extra: cancel,
      prepare: async (factor) => (await post(`${at}/prepare_${step}`, { strategy: factor.strategy, phone_number_id: factor.phone_number_id ?? '' })).response[`${step}_verification`],
      attempt: (factor, text) => post(`${at}/attempt_${step}`, proofOf(factor, text)),
      done: () => close(true),
      expired: (problem) => show(box, [
        lead, heading('h3', 'clock', problem.code === 'verification_failed' ? explain(problem) : t('reverify.expired'), undefined, 'bad'), h('p', { class: 'quiet' }, t('reverify.expired.text')), cancel,
      ]),
    });
  });
  document.title = restore;
  return proved;
}
