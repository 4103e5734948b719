// The browser's part of passkeys (W3C Web Authentication Level 3). The server has options and answers as JSON.

import { Problem } from './api.js';
import { Cancelled } from './form.js';

/** Whether the browser has Web Authentication, as it has on pages over https and of this machine. */
export const supported = () => Boolean(window.PublicKeyCredential && navigator.credentials?.create && navigator.credentials.get);

const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), (b) => String.fromCharCode(b)).join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const ids = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

/** What the browser's errors mean, by their names: sections 5.1.3.1 and 5.1.4.2. A NotAllowedError does not say whether the person cancelled. */
const meanings = { SecurityError: 'passkey.address', InvalidStateError: 'passkey.exists', ConstraintError: 'passkey.unverified', NotSupportedError: 'passkey.device' };

/** Waits for the person's answer. Throws a Problem, whose code is the key of its text, or Cancelled after signal. */
async function answered(ask, { timeout, none }) {
  const began = performance.now(); // a device's wrong clock does not matter
  try {
    return await ask();
  } catch (error) {
    if (error.name === 'AbortError') throw new Cancelled();
    const late = performance.now() - began > timeout - 1000;
    throw new Problem(error.name === 'NotAllowedError' ? (late ? 'passkey.late' : none) : meanings[error.name] ?? 'passkey.device');
  }
}

const encoded = (c, response) => JSON.stringify({ type: c.type, id: c.id, rawId: text(c.rawId), authenticatorAttachment: c.authenticatorAttachment ?? null, response });

/** Makes a passkey with the options of an enrolment. Returns the answer for the server. */
export async function makePasskey(nonce, signal) {
  const o = JSON.parse(nonce);
  const publicKey = { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: ids(o.excludeCredentials) };
  const made = await answered(() => navigator.credentials.create({ publicKey, signal }), { timeout: o.timeout, none: 'passkey.add.none' });
  const { clientDataJSON, attestationObject } = made.response;
  return encoded(made, { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject), transports: made.response.getTransports?.() ?? [] });
}

/** Proves a passkey with the options of an attempt. Returns the answer for the server. With mediation "conditional", the browser offers passkeys in its autofill. */
export async function usePasskey(nonce, { signal, mediation } = {}) {
  const o = JSON.parse(nonce);
  const publicKey = { ...o, challenge: bytes(o.challenge), allowCredentials: ids(o.allowCredentials) };
  const got = await answered(() => navigator.credentials.get({ publicKey, signal, mediation }), { timeout: o.timeout, none: 'passkey.none' });
  const { clientDataJSON, authenticatorData, signature, userHandle } = got.response;
  return encoded(got, { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature), userHandle: userHandle ? text(userHandle) : null });
}

/** Whether the browser can offer passkeys in its autofill. */
export const hasAutofill = async () => supported() && Boolean(await window.PublicKeyCredential.isConditionalMediationAvailable?.().catch(() => false));
