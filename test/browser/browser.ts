import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type CDPSession, type Page } from 'puppeteer-core';
import { Client } from '../support/client.js';
import { startApp, type TestApp } from '../support/test-app.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** CHROMIUM_PATH names another one. */
export function chromiumPath(): string {
  const found = process.env['CHROMIUM_PATH'] ?? CHROMIUM.find((path) => existsSync(path));
  if (!found) throw new Error('There is no Chromium: install it, or set CHROMIUM_PATH');
  return found;
}

/** A user of its own for each browser would need a sandbox that containers do not have. */
export const launch = (): Promise<Browser> =>
  puppeteer.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--lang=en'],
  });

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The app as a browser reaches it: its own address is the origin that passkeys are bound to. */
export async function serve(): Promise<TestApp & { origin: string }> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const env = { PORT: String(port), HOST: 'localhost', PUBLIC_URL: origin };
  return { ...(await startApp({ env })), origin };
}

export interface Visitor {
  page: Page;
  cdp: CDPSession;
  authenticatorId: string;
  /** What the browser complained about: refused scripts, styles, pictures, errors. */
  complaints: string[];
  /** The folder that gets what the browser downloads. */
  downloads: string;
  leave: () => Promise<void>;
}

/** A person with a browser of his own and a device that knows him. */
export async function visitor(browser: Browser): Promise<Visitor> {
  const downloads = mkdtempSync(join(tmpdir(), 'downloads-'));
  const context = await browser.createBrowserContext({
    downloadBehavior: { policy: 'allow', downloadPath: downloads },
  });
  const page = await context.newPage();
  // An address of its own, as every client of the tests has one.
  await page.setExtraHTTPHeaders({ 'x-forwarded-for': new Client('').ip });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (/content security policy|refused to/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  const cdp = await page.createCDPSession();
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const leave = async () => {
    await context.close();
    rmSync(downloads, { recursive: true });
  };
  return { page, cdp, authenticatorId, complaints, downloads, leave };
}

export const textOf = async (page: Page, selector: string): Promise<string> =>
  String(await page.evaluate(`document.querySelector('${selector}')?.textContent`));

/** Waits until this text is shown there. */
export async function shows(page: Page, selector: string, text: string): Promise<void> {
  const found = `document.querySelector('${selector}')?.textContent.includes(${JSON.stringify(text)})`;
  await page.waitForFunction(found, { timeout: 10_000 }).catch(async () => {
    throw new Error(`"${text}" is not in ${selector}: "${await textOf(page, selector)}"`);
  });
}
