import { useEffect, useState } from 'react';
import { useReverification, useUser } from '@clerk/react';
import { QRCodeSVG } from 'qrcode.react';
import { Link } from './router.jsx';
import { Ask, Codes, useAction } from './ui.jsx';

export function Authenticator() {
  const { user } = useUser();
  const { run, alert } = useAction();
  const disable = useReverification(() => user.disableTOTP());
  if (!user) return <p>Sign in first</p>;
  return (
    <>
      <h1>Authenticator app</h1>
      {alert}
      <p>Authenticator app is {user.totpEnabled ? 'on' : 'off'}</p>
      {user.totpEnabled
        ? <button onClick={() => run(() => disable())}>Disable</button>
        : <Link to="/authenticator/add">Add</Link>}
    </>
  );
}

export function AddAuthenticator() {
  const { user } = useUser();
  const { run, busy, alert } = useAction();
  const [totp, setTotp] = useState(null);
  const [codes, setCodes] = useState(null);
  const create = useReverification(() => user.createTOTP());
  useEffect(() => { run(async () => setTotp(await create())); }, []); // as in Clerk's guide
  if (!user) return <p>Sign in first</p>;

  const verify = code => run(async () => {
    const verified = await user.verifyTOTP({ code });
    setCodes(verified.backupCodes ?? []);
  });
  return (
    <>
      <h1>Add an authenticator app</h1>
      {alert}
      {totp && !codes && (
        <>
          <div style={{ padding: 20, width: 300 }} role="img" aria-label="QR code"><QRCodeSVG value={totp.uri} size={260} /></div>
          <p>Address: <code aria-label="Address">{totp.uri}</code></p>
          <p>Secret: <code aria-label="Secret">{totp.secret}</code></p>
          <Ask label="Code" button="Verify" busy={busy} onSubmit={verify} />
        </>
      )}
      {codes && <p>The authenticator app is connected</p>}
      {codes?.length > 0 && <Codes codes={codes} />}
      <Link to="/authenticator">Back</Link>
    </>
  );
}
