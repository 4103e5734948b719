import { useState } from 'react';
import { useReverification, useUser } from '@clerk/react';
import { go, Link } from './router.jsx';
import { Ask, Codes, useAction } from './ui.jsx';

/** Phone numbers: those in use as a second factor, available ones, and the backup codes of a first factor. */
export function Phones() {
  const { user } = useUser();
  const { run, alert } = useAction();
  const [codes, setCodes] = useState(null);
  const reserve = useReverification((phone, reserved) => phone.setReservedForSecondFactor({ reserved }));
  const destroy = useReverification(phone => phone.destroy());
  if (!user) return <p>Sign in first</p>;

  const change = action => run(async () => {
    const result = await action();
    if (result?.backupCodes?.length) setCodes(result.backupCodes);
    await user.reload();
  });
  const verified = user.phoneNumbers.filter(p => p.verification.status === 'verified');
  const list = (label, phones, buttons) => (
    <>
      <h2>{label}</h2>
      <ul aria-label={label}>
        {phones.map(phone => (
          <li key={phone.id}>
            {phone.phoneNumber}{phone.defaultSecondFactor && ' (default)'} {buttons(phone)}
            <button onClick={() => change(() => destroy(phone))}>Remove</button>
          </li>
        ))}
      </ul>
    </>
  );
  return (
    <>
      <h1>Text messages</h1>
      {alert}
      {list('In use', verified.filter(p => p.reservedForSecondFactor), phone => (
        <>
          <button onClick={() => change(() => phone.makeDefaultSecondFactor())}>Make default</button>
          <button onClick={() => change(() => reserve(phone, false))}>Disable</button>
        </>
      ))}
      {list('Available', verified.filter(p => !p.reservedForSecondFactor), phone => (
        <button onClick={() => change(() => reserve(phone, true))}>Use for MFA</button>
      ))}
      {codes && <Codes codes={codes} />}
      <Link to="/phones/add">Add a number</Link>
    </>
  );
}

export function AddPhone() {
  const { user } = useUser();
  const { run, busy, alert } = useAction();
  const [phone, setPhone] = useState(null);
  const create = useReverification(phoneNumber => user.createPhoneNumber({ phoneNumber }));
  if (!user) return <p>Sign in first</p>;

  const send = to => run(async () => { await to.prepareVerification(); });
  const add = number => run(async () => {
    const created = await create(number);
    await user.reload();
    setPhone(created);
    await created.prepareVerification();
  });
  const verify = code => run(async () => {
    const { verification } = await phone.attemptVerification({ code });
    if (verification.status === 'verified') go('/phones');
  });
  return (
    <>
      <h1>Add a number</h1>
      {alert}
      {phone
        ? <>
            <p>A code was sent to {phone.phoneNumber}</p>
            <Ask key="code" label="Code" button="Verify" busy={busy} onSubmit={verify} />
            <button disabled={busy} onClick={() => send(phone)}>Send again</button>
          </>
        : <Ask key="number" label="Phone number" button="Continue" busy={busy} onSubmit={add} />}
    </>
  );
}
