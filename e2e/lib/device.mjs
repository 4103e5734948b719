// A virtual authenticator in Chromium, through the domain WebAuthn of the DevTools protocol.

/** Gives a page an authenticator that verifies its user, unless options say otherwise. Call it before the page is opened: clerk-js uses no passkeys in a browser that says webdriver. */
export async function device(page, options) {
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false }));
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true, ...options,
    },
  });
  const send = (method, params) => cdp.send(`WebAuthn.${method}`, { authenticatorId, ...params });
  return {
    credentials: async () => (await send('getCredentials')).credentials,
    /** Puts a credential of another device into this one. */
    add: credential => send('addCredential', { credential }),
    /** Forgets all credentials, as a device that was reset. */
    clear: () => send('clearCredentials'),
    /** Says whether the user passes the check of PIN or finger. */
    verifies: isUserVerified => send('setUserVerified', { isUserVerified }),
    remove: () => send('removeVirtualAuthenticator'),
  };
}

/** Changes what the browser gives to the page as the authenticator's answer. change gets the fields, each as a text with one character for each byte. */
export async function meddle(page, change) {
  await page.evaluate(text => {
    const change = (0, eval)(`(${text})`);
    const read = bytes => String.fromCharCode(...new Uint8Array(bytes));
    const write = text => Uint8Array.from(text, c => c.charCodeAt(0)).buffer;
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = async options => {
      const { id, rawId, type, authenticatorAttachment, response } = await get(options);
      const fields = ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle'].map(name => [name, read(response[name])]);
      const changed = Object.entries(change(Object.fromEntries(fields))).map(([name, value]) => [name, write(value)]);
      return { id, rawId, type, authenticatorAttachment, response: Object.fromEntries(changed) };
    };
  }, String(change));
}
