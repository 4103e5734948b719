'use client';
import { useState } from 'react';
import { useRouter } from 'next/navigation';
import { useSignIn } from '@clerk/nextjs/legacy';

// The older hook, which most apps use.
export default function SignInPage() {
  const { isLoaded, signIn, setActive } = useSignIn();
  const router = useRouter();
  const [second, setSecond] = useState(null);
  const [error, setError] = useState('');
  if (!isLoaded) return null;

  const step = send => async event => {
    event.preventDefault();
    setError('');
    try {
      const result = await send(Object.fromEntries(new FormData(event.target)));
      if (result.status === 'complete') await setActive({ session: result.createdSessionId, navigate: () => router.push(new URLSearchParams(location.search).get('redirect_url') ?? '/') });
      else setSecond(result.supportedSecondFactors);
    } catch (thrown) {
      setError(thrown.errors?.[0]?.code ?? thrown.message);
    }
  };
  return (
    <>
      <h1>Sign in</h1>
      {error && <p role="alert">{error}</p>}
      {second
        ? <form onSubmit={step(({ strategy, code }) => signIn.attemptSecondFactor({ strategy, code }))}>
            <select name="strategy" aria-label="Method">{second.map(f => <option key={f.strategy}>{f.strategy}</option>)}</select>
            <label>Code <input name="code" autoComplete="off" /></label>
            <button>Verify</button>
          </form>
        : <form onSubmit={step(({ identifier, password }) => signIn.create({ identifier, password }))}>
            <label>E-mail <input name="identifier" /></label>
            <label>Password <input name="password" type="password" /></label>
            <button>Continue</button>
          </form>}
    </>
  );
}
