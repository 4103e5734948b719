import { useState } from 'react';
import { useReverification, useUser } from '@clerk/react';
import { Codes, useAction } from './ui.jsx';

export function BackupCodes() {
  const { user } = useUser();
  const { run, busy, alert } = useAction();
  const [codes, setCodes] = useState(null);
  const create = useReverification(() => user.createBackupCode());
  if (!user) return <p>Sign in first</p>;
  return (
    <>
      <h1>Backup codes</h1>
      {alert}
      <p>Backup codes are {user.backupCodeEnabled ? 'on' : 'off'}</p>
      <button disabled={busy} onClick={() => run(async () => setCodes((await create()).codes))}>Make new codes</button>
      {codes && <Codes codes={codes} />}
    </>
  );
}
