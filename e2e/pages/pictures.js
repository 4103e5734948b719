// Copies the screenshots that docs/use/pages.md shows: npm run pictures.

import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const from = path.join(here, 'screenshots');
const to = path.resolve(here, '../../docs/use/pages');
const shown = ['sign-in-app-light', 'security-number-light', 'add-authenticator-dark', 'reverify-password-phone', 'dashboard-settings-light', 'appearance-unsaved-light', 'appearance-other-light', 'statistics-light', 'messages-light'];

await mkdir(to, { recursive: true });
for (const name of shown) await copyFile(path.join(from, `${name}.png`), path.join(to, `${name}.png`));
