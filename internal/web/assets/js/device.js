// The device and the network of a session, and remembered devices, in words.

import { day, h, t } from './page.js';

const systems = { Macintosh: 'macOS', desktop: '', mobile: '' };

/** The device of a session, in words. */
export function deviceOf({ latest_activity: at }) {
  const browser = at.browser_name || t('device.unknown');
  const system = systems[at.device_type] ?? at.device_type;
  return system ? t('device.on', { browser, system }) : browser;
}

/** The network of a session, as the start of an address: a /24, or a /48 for IPv6. */
export const networkOf = ({ latest_activity: at }) => at.ip_address && h('bdi', { dir: 'ltr' }, at.ip_address.replace(/\.0\/24$/, '.x').replace(/::\/48$/, ':…'));

/** The browser of a remembered device, in words. */
export const browserOf = (device) => deviceOf({ latest_activity: device });

/** Since when and until when a device is remembered. */
export const daysOf = (device) => t('device.since', { from: day(device.created_at), to: day(device.expire_at) });
