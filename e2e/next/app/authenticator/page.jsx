'use client';
import { useEffect, useState } from 'react';
import { useUser } from '@clerk/nextjs';

// Clerk's guide creates the secret in an effect, which development runs twice.
export default function Authenticator() {
  const { isLoaded, user } = useUser();
  const [totp, setTotp] = useState(null);
  const [codes, setCodes] = useState(null);
  const [error, setError] = useState('');
  useEffect(() => { if (user && !user.totpEnabled) user.createTOTP().then(setTotp, e => setError(e.errors[0].code)); }, [user?.id]);
  if (!isLoaded || !user) return null;

  const verify = async event => {
    event.preventDefault();
    setError('');
    try {
      await user.verifyTOTP({ code: new FormData(event.target).get('code') });
      setCodes((await user.createBackupCode()).codes);
    } catch (thrown) {
      setError(thrown.errors[0].code);
    }
  };
  return (
    <>
      <h1>Authenticator app</h1>
      {error && <p role="alert">{error}</p>}
      {totp && <code aria-label="Secret">{totp.secret}</code>}
      <form onSubmit={verify}><label>Code <input name="code" autoComplete="off" /></label><button>Verify</button></form>
      {codes && <ol aria-label="Backup codes">{codes.map(code => <li key={code}>{code}</li>)}</ol>}
    </>
  );
}
