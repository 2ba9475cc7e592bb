// Checks in a real Chromium; ends with 77, and says why, where there is none. Usage: node dist/test/browser/main.js [part of a name]
import { clientInPage, trainsInTab } from './everywhere.js';
import { followsLongFiles, followsServer } from './dashboard.js';
import { openChromium } from './openChromium.js';

const checks = {
  'the dashboard follows a server': followsServer,
  'the dashboard follows long files': followsLongFiles,
  'the client in a page': clientInPage,
  'training in a tab': trainsInTab,
};

const browser = await openChromium();
if (typeof browser === 'string') {
  console.log(`SKIP  browser: ${browser}`);
  process.exitCode = 77;
} else {
  for (const [name, check] of Object.entries(checks)) {
    if (!name.includes(process.argv[2] ?? '')) continue;
    const started = performance.now();
    try {
      await check(browser);
      console.log(`ok    ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    } catch (error) {
      console.log(`FAIL  ${name}\n${String(error instanceof Error ? error.stack : error)}`);
      process.exitCode = 1;
    }
  }
  await browser.close();
}
