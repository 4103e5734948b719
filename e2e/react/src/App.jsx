import { SignIn, TaskSetupMFA, UserProfile, useAuth, useClerk, useSession, useUser } from '@clerk/react';
import { Link, usePath } from './router.jsx';
import { SignInPage } from './SignInPage.jsx';
import { AddPhone, Phones } from './Phones.jsx';
import { AddAuthenticator, Authenticator } from './Authenticator.jsx';
import { BackupCodes } from './BackupCodes.jsx';
import { Task } from './Task.jsx';

const pages = {
  '/': Home, '/sign-in': SignInPage, '/phones': Phones, '/phones/add': AddPhone, '/authenticator': Authenticator,
  '/authenticator/add': AddAuthenticator, '/backup-codes': BackupCodes, '/task': Task,
  '/profile': () => <UserProfile routing="hash" />,
  '/prebuilt-task': () => <TaskSetupMFA redirectUrlComplete="/" />,
  '/prebuilt': () => <SignIn routing="hash" withSignUp={false} fallbackRedirectUrl="/" />,
};

export function App() {
  const { isLoaded } = useAuth({ treatPendingAsSignedOut: false });
  const Page = pages[usePath()] ?? (() => <p>No such page</p>);
  if (!isLoaded) return <p>Loading</p>;
  return (
    <>
      <Status />
      <nav>{Object.keys(pages).map(p => <span key={p}><Link to={p}>{p}</Link> </span>)}</nav>
      <Page />
    </>
  );
}

function Status() {
  const { isSignedIn, sessionId } = useAuth({ treatPendingAsSignedOut: false });
  const { user } = useUser();
  const { session } = useSession();
  const { signOut } = useClerk();
  if (!isSignedIn) return <p role="status">Signed out</p>;
  return (
    <p>
      <span role="status" data-session={sessionId}>
        Signed in as {user?.primaryEmailAddress?.emailAddress}, {session?.status}
        {session?.currentTask ? `, task ${session.currentTask.key}` : ''}, {user?.twoFactorEnabled ? 'two factors' : 'one factor'}
      </span>{' '}
      <button onClick={() => signOut()}>Sign out</button>
    </p>
  );
}

function Home() {
  return <h1>Home</h1>;
}
