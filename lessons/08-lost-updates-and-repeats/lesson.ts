import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { controls, stacks } from './controls.js';
import { wrongFixes } from './wrong-fixes.js';

const ORDER = { title: 'one order', content: '' };

export const lesson: Lesson = {
  folder: '08-lost-updates-and-repeats',
  title: 'Lost updates and repeats',
  claim:
    'Whoever writes at the same time, or twice, nobody’s change vanishes unseen and nothing happens twice.',
  asvs: ['2.3.3', '2.3.4', '15.4.1', '15.4.2'],
  api: ['API6:2023'],
  attacks,
  controls,
  stacks,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    const { body } = await ada.client.post<{ id: string }>('/v1/resources', ORDER, {
      'idempotency-key': 'order-1',
    });
    const again = await ada.client.post('/v1/resources', ORDER, { 'idempotency-key': 'order-1' });
    if (again.body['id'] !== body.id) throw new Error('a repeat does not find what it created');
    const path = `/v1/resources/${body.id}`;
    for (const tag of ['"1"', '"2"']) {
      const { status } = await ada.client.patch(path, { content: tag }, { 'if-match': tag });
      if (status !== 200) throw new Error('one change after another is refused');
    }
  },
};
