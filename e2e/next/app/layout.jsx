import { ClerkProvider } from '@clerk/nextjs';
import { Status } from './Status';

export const metadata = { title: 'Countersign e2e', icons: { icon: 'data:,' } };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <ClerkProvider afterSignOutUrl="/">
          <Status />
          {children}
        </ClerkProvider>
      </body>
    </html>
  );
}
