import { createRoot } from 'react-dom/client';
import { ClerkProvider } from '@clerk/react';
import { go } from './router.jsx';
import { App } from './App.jsx';

const config = await (await fetch('/config.json')).json();

createRoot(document.getElementById('root')).render(
  <ClerkProvider
    publishableKey={config.publishableKey}
    proxyUrl={config.proxyUrl}
    __internal_clerkJSUrl={config.clerkJSUrl}
    __internal_clerkUIUrl={config.clerkUIUrl}
    telemetry={false}
    signInUrl="/sign-in"
    afterSignOutUrl="/"
    taskUrls={config.taskUrls}
    routerPush={to => go(to)}
    routerReplace={to => go(to, true)}
  >
    <App />
  </ClerkProvider>,
);
