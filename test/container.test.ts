import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (file: string) => readFileSync(join(import.meta.dirname, '..', file), 'utf8');
const COMPOSE = read('docker-compose.yml');
const LAST_STAGE =
  read('Dockerfile')
    .split(/^FROM /m)
    .at(-1) ?? '';

/** The lines that belong to `name:`, for as long as they stand further in. */
const linesOf = (name: string) =>
  (new RegExp(`^( *)${name}:.*\n((?:\\1 +.*\n|\n)*)`, 'm').exec(COMPOSE)?.[2] ?? '')
    .split('\n')
    .map((line) => line.trim());

const HARDENED = ['read_only: true', 'cap_drop: [ALL]', "security_opt: ['no-new-privileges:true']"];
/** What would give a container back what was taken. */
const LOOSENED =
  /^(privileged|cap_add|read_only: false|user: .?(root|0)\b|pid|ipc|userns_mode|network_mode: host|devices|volumes)|docker\.sock/;

/** The one folder that the app has of the host's, and who may write there. */
const MOUNTS: Record<string, string[]> = {
  app: ["volumes: ['./secrets/keys:/keys:ro']"],
  migrate: [],
  keys: ["volumes: ['./secrets/keys:/keys']"],
};

describe('the container of the app', () => {
  it('does not run as root, and its code belongs to root', () => {
    expect(LAST_STAGE.match(/^USER .+$/gm)).toEqual(['USER node']);
    expect(LAST_STAGE).not.toMatch(/--chown|\bchown\b|\bchmod\b/);
    expect(LAST_STAGE.indexOf('USER node')).toBeGreaterThan(LAST_STAGE.lastIndexOf('COPY'));
    expect(linesOf('x-app')).toContain("user: '${BULWARK_UID:-1000}'");
  });

  it('can write no file, has no capability and gets none', () => {
    expect(linesOf('x-app')).toEqual(expect.arrayContaining(HARDENED));
  });

  it.each(['app', 'migrate', 'keys'])('keeps to that in the service %s', (service) => {
    const lines = linesOf(service);
    expect(lines[0]).toBe('<<: *app');
    expect(lines.filter((line) => /^(cap_drop|security_opt|user|read_only)/.test(line))).toEqual(
      [],
    );
    expect(lines.filter((line) => LOOSENED.test(line))).toEqual(MOUNTS[service]);
  });

  it('reads its keys from a folder, into which another service writes new ones', () => {
    const files = [
      'SIGNING_KEYS_FILE: /keys/signing_keys',
      'ENCRYPTION_KEYS_FILE: /keys/encryption_keys',
    ];
    expect(linesOf('app')).toEqual(expect.arrayContaining(['environment: &environment', ...files]));
    const rotation = ['environment: *environment', 'profiles: [keys]'];
    expect(linesOf('keys')).toEqual(expect.arrayContaining(rotation));
    const [, command = ''] = /^ *entrypoint: \[node, dist\/(.+)\.js\]$/m.exec(COMPOSE) ?? [];
    expect(read(`src/${command}.ts`)).toContain('openKeySet');
  });
});

describe('the mail catcher', () => {
  it('is for development, is reached from this machine alone, and can do nothing else', () => {
    const lines = linesOf('mails');
    expect(lines).toEqual(expect.arrayContaining([...HARDENED, 'profiles: [development]']));
    expect(lines).toContain("ports: ['127.0.0.1:1025:1025', '127.0.0.1:8025:8025']");
    expect(lines.filter((line) => LOOSENED.test(line))).toEqual([]);
  });
});

describe('the container of the database', () => {
  it('has the capabilities that it starts with and no other, and gets none', () => {
    const lines = linesOf('db');
    expect(lines).toEqual(expect.arrayContaining(HARDENED.slice(1)));
    expect(lines).toContain('cap_add: [CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID]');
  });

  it('is reached from the app alone: no port of its own is published', () => {
    const lines = linesOf('db');
    expect(lines.filter((line) => line.startsWith('ports'))).toEqual([
      "ports: ['127.0.0.1:3000:3000']",
    ]);
    expect(lines).toContain('command: [postgres, -c, listen_addresses=127.0.0.1]');
  });
});
