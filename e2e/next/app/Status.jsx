'use client';
import { useAuth, useClerk, useUser } from '@clerk/nextjs';

export function Status() {
  const { isLoaded, isSignedIn, sessionId } = useAuth();
  const { user } = useUser();
  const { signOut } = useClerk();
  if (!isLoaded) return <p>Loading</p>;
  if (!isSignedIn) return <p role="status">Signed out</p>;
  return (
    <p>
      <span role="status" data-session={sessionId}>Signed in as {user?.primaryEmailAddress?.emailAddress}, {user?.twoFactorEnabled ? 'two factors' : 'one factor'}</span>
      <button onClick={() => signOut()}>Sign out</button>
    </p>
  );
}
