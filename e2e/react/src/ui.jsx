import { useState } from 'react';
import { isClerkAPIResponseError, isReverificationCancelledError } from '@clerk/react/errors';

const say = error => {
  if (isReverificationCancelledError(error)) return 'Cancelled';
  if (isClerkAPIResponseError(error)) return `${error.errors[0].longMessage} (${error.errors[0].code})`;
  return error.message;
};

/** Runs one action at a time and shows its error. */
export function useAction() {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const run = async action => {
    setError('');
    setBusy(true);
    try {
      const result = await action();
      if (result?.error) setError(say(result.error)); // sign-in methods return errors, other methods throw
      return result;
    } catch (thrown) {
      setError(say(thrown));
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, alert: error && <p role="alert">{error}</p> };
}

/** A form with one field. */
export function Ask({ label, button, type = 'text', initial = '', onSubmit, busy }) {
  const [value, setValue] = useState(initial);
  return (
    <form onSubmit={e => { e.preventDefault(); onSubmit(value); }}>
      <label>{label} <input type={type} value={value} onChange={e => setValue(e.target.value)} autoComplete="off" /></label>
      <button disabled={busy}>{button}</button>
    </form>
  );
}

export function Codes({ codes }) {
  return <ol aria-label="Backup codes">{codes.map(code => <li key={code}>{code}</li>)}</ol>;
}
