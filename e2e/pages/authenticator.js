// A virtual authenticator of Chromium (W3C WebDriver extension of Web Authentication, section 11): a device with a screen lock,
// or a security key.

/** Gives the page an authenticator. Its person confirms at once until the test says otherwise. */
export async function authenticator(page, options = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable', { enableUI: false });
  const add = async (more) => (await cdp.send('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...more,
  } })).authenticatorId;
  let id = await add(options);
  const at = (method, params = {}) => cdp.send(`WebAuthn.${method}`, { authenticatorId: id, ...params });
  return {
    /** Whether the person passes the screen lock. */
    verifies: (isUserVerified) => at('setUserVerified', { isUserVerified }),
    /** Whether the person confirms at all. Until then the browser waits. */
    confirms: (enabled) => at('setAutomaticPresenceSimulation', { enabled }),
    credentials: async () => (await at('getCredentials')).credentials,
    put: (credential) => at('addCredential', { credential }),
    forget: () => at('clearCredentials'),
    remove: () => at('removeVirtualAuthenticator'),
    /** Takes the authenticator away and gives another one. */
    replace: async (more = {}) => {
      await at('removeVirtualAuthenticator');
      id = await add({ ...options, ...more });
    },
  };
}
