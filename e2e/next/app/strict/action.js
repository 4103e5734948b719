'use server';
import { auth, reverificationError } from '@clerk/nextjs/server';

let paid = 0;

/** A sensitive action on the app's server. */
export async function pay() {
  const { has, userId } = await auth.protect();
  if (!has({ reverification: 'strict' })) return reverificationError('strict');
  return { userId, paid: ++paid };
}
