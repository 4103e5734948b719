import { currentUser } from '@clerk/nextjs/server';

export default async function Protected() {
  const user = await currentUser(); // through the Backend API
  return <h1>Only for {user.emailAddresses[0].emailAddress}</h1>;
}
