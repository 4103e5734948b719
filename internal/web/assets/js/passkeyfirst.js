// A passkey as the first factor of a sign-in: by its button, or from the browser's autofill.

import { post } from './api.js';
import { button } from './form.js';
import { now, t } from './page.js';
import { hasAutofill, supported, usePasskey } from './webauthn.js';

/** Error codes of an attempt that has ended: the page begins another one. */
const ended = ['verification_expired', 'verification_missing', 'resource_not_found'];

const pathOf = (signIn) => `/client/sign_ins/${encodeURIComponent(signIn.id)}`;

/** Whether a sign-in has a challenge with a minute left or more. */
const fresh = (signIn) => signIn?.first_factor_verification?.status === 'unverified' && signIn.first_factor_verification.expire_at - now() > 60_000;

/**
 * The passkey of a sign-in page, or undefined where the settings or the browser have none.
 *   client   the client resource, perhaps with a sign-in that another tab began
 */
export function passkeyFirst(environment, client) {
  const { show_sign_in_button: enabled, allow_autofill: autofill } = environment.user_settings.passkey_settings;
  if (!enabled || !supported()) return undefined;
  // A sign-in that waits for another tab's code stays: beginning one for the autofill would end it.
  const busy = client?.sign_in?.status === 'needs_first_factor' && Boolean(client.sign_in.identifier);
  let signIn, listening;

  /** Ends the offer of the autofill: the person takes another method. */
  function stop() {
    listening?.abort();
    listening = undefined;
  }

  async function prove(how) {
    if (!fresh(signIn)) signIn = (await post('/client/sign_ins', { strategy: 'passkey' })).response;
    const credential = await usePasskey(signIn.first_factor_verification.nonce, how);
    const proved = signIn;
    signIn = undefined; // the answer uses the challenge up
    try {
      return await post(`${pathOf(proved)}/attempt_first_factor`, { strategy: 'passkey', public_key_credential: credential });
    } catch (problem) {
      if (ended.includes(problem.code)) problem.code = 'passkey.late';
      throw problem;
    }
  }

  /** Offers passkeys in the autofill of the field for the identifier, until stop(). done gets the answer, wrong a problem. */
  async function listen(done, wrong) {
    stop();
    const started = listening = new AbortController();
    if (!autofill || busy || !(await hasAutofill())) return;
    try {
      if (started.signal.aborted) return;
      await done(await prove({ signal: started.signal, mediation: 'conditional' }));
    } catch (problem) {
      if (problem.cancelled || started.signal.aborted) return;
      if (problem.code === 'passkey.late') listen(done, wrong);
      // A problem before the person chose a passkey, such as a limit, is not shown: the other methods are on the page.
      if (signIn === undefined || problem.code === 'passkey.late') wrong(problem);
    }
  }

  /** The button that signs in with a passkey. done gets the answer, wrong a problem. */
  const signInButton = (done, wrong) => button(t('passkey.sign_in'), { kind: 'wide', shape: 'passkey', wrong, act: async () => {
    stop();
    await done(await prove({}));
  } });

  return { listen, stop, signInButton };
}
