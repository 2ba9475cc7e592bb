import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** Opens a Chromium of this machine, or why there is none. One is installed where apt-get may do it. */
export async function openChromium(): Promise<Browser | string> {
  const named = process.env.RXTINKER_CHROMIUM;
  const executablePath =
    [...(named === undefined ? [] : [named]), ...places].find((file) => existsSync(file)) ?? install();
  if (executablePath === undefined) {
    return 'no Chromium is here, nor could apt-get install one; RXTINKER_CHROMIUM can name its executable';
  }
  return chromium.launch({ executablePath, args: flags });
}

function install(): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  const get = (...args: string[]): boolean =>
    spawnSync('apt-get', args, { stdio: 'ignore', timeout: 180_000 }).status === 0;
  get('update');
  get('install', '--yes', '--no-install-recommends', 'chromium');
  return places.find((file) => existsSync(file));
}
