import { behindRowSecurity } from '../26-row-level-security/controls.js';
import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { adaBobAndEve, holdsSecret, share, type Page, type Resource } from './cast.js';
import { controls } from './controls.js';
import { listAttacks } from './list-attacks.js';
import { sharingAttacks } from './sharing-attacks.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '03-broken-object-level-authorization',
  title: 'Broken object level authorization',
  claim:
    'Knowing the id of somebody else’s resource gives nothing: no read, no change, no deletion, no share, no place in a list.',
  asvs: ['8.2.2', '8.2.3', '8.3.1'],
  api: ['API1:2023'],
  use: async (target) => {
    const { ada, bob, path } = await adaBobAndEve(target);
    await share(target, ada, path, [bob, 'write']);
    if (!holdsSecret(await bob.client.get(path))) throw new Error('a friend cannot read');
    const { body } = await bob.client.patch<Resource>(
      path,
      { title: 'ours' },
      { 'if-match': '"1"' },
    );
    if (body.title !== 'ours') throw new Error('a friend cannot write');
    const shared = await bob.client.get<Page<Resource>>('/v1/resources/shared-with-me');
    if (shared.body.items?.length !== 1) throw new Error('a friend does not see what is shared');
    await ada.client.delete(path);
    const left = await ada.client.get<Page<Resource>>('/v1/resources');
    if (left.body.items?.length !== 0) throw new Error('the owner cannot delete');
  },
  attacks: [...attacks, ...sharingAttacks, ...listAttacks],
  controls,
  stacks: [
    behindRowSecurity('bola-read-predicate', [
      'bola-read',
      'bola-read-after-share',
      'bola-read-anothers-share',
      'leave-share-read',
    ]),
    behindRowSecurity('bola-change-predicate', [
      'bola-change',
      'bola-change-as-reader',
      'leave-share-write',
    ]),
    behindRowSecurity('bola-delete-predicate', ['bola-delete', 'bola-delete-as-writer']),
    behindRowSecurity('bola-share-predicate', ['bola-share', 'bola-share-as-reader']),
    behindRowSecurity('bola-end-share-predicate', ['bola-end-share', 'bola-end-share-as-fellow']),
    behindRowSecurity('bola-list-shares-predicate', [
      'bola-list-shares',
      'bola-list-shares-as-reader',
    ]),
    behindRowSecurity('bola-list-predicate', ['bola-list', 'bola-list-filtered', 'bola-list-next']),
    behindRowSecurity('bola-list-shared-predicate', ['bola-list-shared']),
    {
      controls: ['bola-cursor-is-a-place', 'bola-cursor-binding', 'rls-actor'],
      opens: ['bola-cursor-carried', 'bola-cursor-forged'],
    },
  ],
  wrongFixes,
};
