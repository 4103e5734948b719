import { useClerk, useSession } from '@clerk/react';
import { go, Link } from './router.jsx';
import { useAction } from './ui.jsx';

/** The session task setup-mfa: both second factors, and the completion. */
export function Task() {
  const { session } = useSession();
  const { setActive } = useClerk();
  const { run, alert } = useAction();
  return (
    <>
      <h1>Protect your account</h1>
      {alert}
      <p>Task: {session?.currentTask?.key ?? 'none'}</p>
      <Link to="/phones/add">Use text messages</Link> <Link to="/authenticator/add">Use an authenticator app</Link>
      <button onClick={() => run(() => setActive({ session: session.id, navigate: ({ session }) => go(session.currentTask ? '/task' : '/') }))}>Finish</button>
    </>
  );
}
