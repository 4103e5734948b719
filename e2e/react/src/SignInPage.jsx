import { useState } from 'react';
import { useSignIn } from '@clerk/react';
import { go } from './router.jsx';
import { Ask, useAction } from './ui.jsx';

export function SignInPage() {
  const { signIn } = useSignIn();
  const { run, busy, alert } = useAction();

  const step = action => run(async () => {
    const result = await action();
    if (!result.error && signIn.status === 'complete') {
      return signIn.finalize({ navigate: ({ session, decorateUrl }) => go(decorateUrl(session.currentTask ? '/task' : '/')) });
    }
    return result;
  });

  const second = signIn.status === 'needs_second_factor';
  return (
    <>
      <h1>Sign in</h1>
      {alert}
      <p>Step: {signIn.status ?? 'none'}</p>
      {second ? <SecondFactor signIn={signIn} step={step} busy={busy} /> : <FirstFactor signIn={signIn} step={step} busy={busy} />}
      <button onClick={() => run(() => signIn.reset())}>Start over</button>
    </>
  );
}

function FirstFactor({ signIn, step, busy }) {
  const [identifier, setIdentifier] = useState('');
  const [password, setPassword] = useState('');
  const ticket = new URLSearchParams(location.search).get('ticket');
  return (
    <>
      <form onSubmit={e => { e.preventDefault(); step(() => signIn.password({ identifier, password })); }}>
        <label>E-mail <input value={identifier} onChange={e => setIdentifier(e.target.value)} /></label>
        <label>Password <input type="password" value={password} onChange={e => setPassword(e.target.value)} /></label>
        <button disabled={busy}>Continue</button>
      </form>
      {ticket && <button disabled={busy} onClick={() => step(() => signIn.ticket({ ticket }))}>Use the ticket</button>}
    </>
  );
}

const names = { phone_code: 'Text message', totp: 'Authenticator app', backup_code: 'Backup code' };

function SecondFactor({ signIn, step, busy }) {
  const [strategy, setStrategy] = useState(null);
  const verify = {
    phone_code: code => signIn.mfa.verifyPhoneCode({ code }),
    totp: code => signIn.mfa.verifyTOTP({ code }),
    backup_code: code => signIn.mfa.verifyBackupCode({ code }),
  };
  const choose = factor => {
    setStrategy(factor.strategy);
    if (factor.strategy === 'phone_code') step(() => signIn.mfa.sendPhoneCode());
  };
  return (
    <>
      <ul aria-label="Ways to continue">
        {signIn.supportedSecondFactors.map(factor => (
          <li key={factor.strategy + (factor.phoneNumberId ?? '')}>
            <button onClick={() => choose(factor)}>{names[factor.strategy]} {factor.safeIdentifier}</button>
          </li>
        ))}
      </ul>
      {strategy && <Ask key={strategy} label="Code" button="Verify" busy={busy} onSubmit={code => step(() => verify[strategy](code))} />}
    </>
  );
}
