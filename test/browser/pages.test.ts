import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import { liveSessions, signInAgain } from '../support/auth.js';
import { createResource, newPassword, signUp, type Person } from '../support/factories.js';
import { fingerprint, linkToken } from '../support/inventory.js';
import { mailedToken } from '../support/mailed-links.js';
import { canSignInWith, totpCode } from '../support/second-factors.js';
import type { TestApp } from '../support/test-app.js';
import { until, untilRecovered } from '../support/waiting.js';
import { launch, serve, shows, textOf, visitor, type Visitor } from './browser.js';

let app: TestApp & { origin: string };
let browser: Browser;
let ada: Person;
let guest: Visitor;
let page: Page;

beforeAll(async () => {
  app = await serve();
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await app.close();
});
beforeEach(async () => {
  ada = await signUp(app);
  guest = await visitor(browser);
  ({ page } = guest);
});
// Every page keeps to its own policy, whatever was done on it.
afterEach(async () => {
  expect(guest.complaints).toEqual([]);
  await guest.leave();
});

const open = (name: string) => page.goto(`${app.origin}/account/${name}`);
async function onSecurity(): Promise<void> {
  await page.waitForSelector('#page', { visible: true });
  await shows(page, '#who', ada.email);
}

async function typePassword({ email, password }: Person): Promise<void> {
  await open('sign-in');
  await page.type('#email', email);
  await page.type('#password', password);
  await page.click('#password-form button');
}

async function signIn(): Promise<void> {
  await typePassword(ada);
  await onSecurity();
}

async function addPasskey(name: string): Promise<void> {
  await page.type('#factor-name', name);
  await page.click('#add-passkey');
  await shows(page, '#factors', name);
}

async function signOut(): Promise<void> {
  await page.click('#sign-out');
  await page.waitForSelector('#email');
}

const credentials = async ({ cdp, authenticatorId }: Visitor) =>
  (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;

describe('/account/sign-in', () => {
  it('signs in by password, and leaves no token where a script finds it', async () => {
    await signIn();
    const kept = await page.evaluate(
      'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])',
    );
    expect(kept).toBe('["",{},{}]');
    const cookies = await page.browserContext().cookies();
    expect(cookies).toMatchObject([
      { name: '__Host-refresh_token', httpOnly: true, secure: true, sameSite: 'Strict' },
    ]);
    await page.reload();
    await onSecurity();
  });

  it('says what is wrong, in the API’s words', async () => {
    await typePassword({ ...ada, password: 'wrong' });
    await shows(page, '#status', 'The e-mail address or the password is wrong.');
    expect(await liveSessions(app, ada.id)).toHaveLength(1);
  });

  it('signs in with a passkey alone', async () => {
    await signIn();
    await addPasskey('My laptop');
    await shows(page, '#status', 'Keep these recovery codes');
    expect((await textOf(page, '#codes')).match(/[0-9A-Z]{4}(-[0-9A-Z]{4}){3}/g)).toHaveLength(10);
    await signOut();
    await page.click('#passkey');
    await onSecurity();
    expect(await credentials(guest)).toMatchObject([{ isResidentCredential: true }]);
  });

  it('takes the passkey after the password', async () => {
    await signIn();
    await addPasskey('My laptop');
    await signOut();
    await typePassword(ada);
    await page.waitForSelector('#second-passkey', { visible: true });
    await page.click('#second-passkey');
    await onSecurity();
    expect(await liveSessions(app, ada.id)).toHaveLength(1);
  });

  it('takes the code of an authenticator app after the password', async () => {
    await signIn();
    await page.type('#factor-name', 'My phone');
    await page.click('#add-totp');
    await page.waitForSelector('#confirm-totp', { visible: true });
    const secret = (await textOf(page, '#secret')).replaceAll(' ', '');
    expect(await page.evaluate(`document.getElementById('qr').naturalWidth > 0`)).toBe(true);
    await page.type('#totp-code', totpCode(secret, -1));
    await page.click('#confirm-totp button');
    await shows(page, '#factors', 'My phone');
    await signOut();
    await typePassword(ada);
    await page.waitForSelector('#code', { visible: true });
    await page.type('#code', totpCode(secret));
    await page.click('#code-form button');
    await onSecurity();
  });

  it('refuses a copy of the authenticator: its count does not grow', async () => {
    await signIn();
    await addPasskey('My laptop');
    const { cdp, authenticatorId } = guest;
    const [original] = await credentials(guest);
    if (!original) throw new Error('there is no passkey');
    await signOut();
    await page.click('#passkey');
    await onSecurity();
    await signOut();
    // The copy was made before the last use.
    const { credentialId } = original;
    await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId });
    await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: original });
    const before = await liveSessions(app, ada.id);
    await page.click('#passkey');
    await shows(page, '#status', 'The passkey is not known here');
    expect(await liveSessions(app, ada.id)).toEqual(before);
  });

  it('refuses somebody who holds the device and is not its owner', async () => {
    await signIn();
    await addPasskey('My laptop');
    await signOut();
    const { cdp, authenticatorId } = guest;
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await page.click('#passkey');
    await shows(page, '#status', 'No passkey was used');
    expect(await liveSessions(app, ada.id)).toEqual([]);
  });
});

describe('/account/security', () => {
  it('sends whoever is not signed in to sign in', async () => {
    await open('security');
    await page.waitForSelector('#email');
    expect(new URL(page.url()).pathname).toBe('/account/sign-in');
  });

  it('ends another session', async () => {
    const other = await signInAgain(app, ada);
    await signIn();
    expect(await page.$$('#sessions li')).toHaveLength(3);
    await page.evaluate(
      `document.querySelectorAll('#sessions li')[1].querySelector('button').click()`,
    );
    await shows(page, '#status', 'The session has ended.');
    expect(await page.$$('#sessions li')).toHaveLength(2);
    expect((await other.client.get('/v1/users/me')).status).toBe(401);
    await page.reload();
    await onSecurity();
  });

  it('removes a passkey, and shows a name as text, whatever is in it', async () => {
    await signIn();
    await addPasskey('<img src=x onerror=alert(1)>');
    expect(await page.$$('#factors img')).toHaveLength(0);
    await page.click('#factors button');
    await shows(page, '#status', 'It is removed.');
    await shows(page, '#factors', 'None yet');
  });

  it('asks again who it is when the sign-in is old: by passkey, and by password', async () => {
    await signIn();
    await addPasskey('My laptop');
    const grow = async () => {
      await app.database.query(
        `UPDATE sessions SET authenticated_at = now() - interval '1 hour' WHERE user_id = $1`,
        [ada.id],
      );
      await page.reload();
      await onSecurity();
      await page.click('#new-codes');
      await page.waitForSelector('#prove[open]');
    };
    await grow();
    await page.click('#prove-cancel');
    await shows(page, '#status', 'You signed in too long ago');
    await page.click('#new-codes');
    await page.waitForSelector('#prove[open]');
    await page.click('#prove-passkey');
    await shows(page, '#status', 'Keep these recovery codes');
    const [code = ''] = (await textOf(page, '#codes')).match(/[0-9A-Z-]{19}/) ?? [];
    await grow();
    await page.type('#prove-password', ada.password);
    await page.type('#prove-code', code);
    await page.click('#prove-form button[type=submit]');
    await shows(page, '#status', 'Keep these recovery codes');
    expect(await textOf(page, '#codes')).not.toContain(code);
  });
});

/** Opening it changes nothing, and takes the token out of the address. */
async function openLink(name: string, token: string): Promise<void> {
  const before = await fingerprint(app.database);
  await open(`${name}#${token}`);
  await page.waitForSelector('#form button');
  expect(page.url()).not.toContain(token);
  expect(await fingerprint(app.database)).toBe(before);
}

describe('/account/reset-password', () => {
  it('changes nothing when it is opened, and sets the password when it is sent', async () => {
    await openLink('reset-password', await linkToken(app.app, ada.email));
    const password = newPassword();
    await page.type('#password', password);
    await page.click('#form button');
    await shows(page, '#status', 'Your password is set.');
    expect(await canSignInWith(app, ada, password)).toBe(true);
  });
});

describe('/account/cancel-deletion', () => {
  it('changes nothing when it is opened, and keeps the account when it is sent', async () => {
    await ada.client.delete('/v1/users/me', { currentPassword: ada.password });
    await openLink('cancel-deletion', await mailedToken(app.database, ada.email));
    expect(await canSignInWith(app, ada, ada.password)).toBe(false);
    const password = newPassword();
    await page.type('#password', password);
    await page.click('#form button');
    await shows(page, '#status', 'Your account stays, and has a new password.');
    expect(await canSignInWith(app, ada, password)).toBe(true);
  });
});

describe('/account/download-export', () => {
  it('sends a stranger to sign in, and then gives the file, once', async () => {
    const { id } = await createResource(ada);
    await ada.client.post('/v1/users/me/exports', { currentPassword: ada.password });
    await untilRecovered(app.database);
    const token = await mailedToken(app.database, ada.email);
    await openLink('download-export', token);
    await page.click('#form button');
    await shows(page, '#status', 'Sign in first');
    const linkPage = page;
    page = await page.browserContext().newPage();
    await signIn();
    page = linkPage;
    await page.bringToFront();
    await page.click('#form button');
    await shows(page, '#status', 'Your copy is with your downloads.');
    const file = join(guest.downloads, 'export.json');
    await until(() => existsSync(file), 'the file is there');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      id: ada.id,
      resources: [{ id }],
    });
    await page.goto('about:blank');
    await openLink('download-export', token);
    await page.click('#form button');
    await shows(page, '#status', 'The link is not valid');
  });
});
