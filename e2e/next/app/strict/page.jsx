'use client';
import { useState } from 'react';
import { useReverification } from '@clerk/nextjs';
import { pay } from './action';

export default function Strict() {
  const [said, setSaid] = useState('');
  const reverified = useReverification(pay);
  return (
    <>
      <h1>Strict</h1>
      <button onClick={async () => setSaid(JSON.stringify(await reverified().catch(e => e.code)))}>Pay</button>
      <pre>{said}</pre>
    </>
  );
}
