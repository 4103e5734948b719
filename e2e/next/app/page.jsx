import { auth } from '@clerk/nextjs/server';
import Link from 'next/link';

export default async function Home() {
  const { userId, sessionId } = await auth();
  return (
    <>
      <h1>Home</h1>
      <p data-user={userId} data-session={sessionId}>The server sees {userId ?? 'nobody'}</p>
      <Link href="/authenticator">Authenticator</Link> <Link href="/strict">Strict</Link>
    </>
  );
}
