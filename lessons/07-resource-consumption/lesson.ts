import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { controls } from './controls.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '07-resource-consumption',
  title: 'Unrestricted resource consumption',
  claim:
    'What one client can make the server read, keep, answer and count is bounded, whatever it says about its size and its address.',
  asvs: ['2.4.1', '4.1.3', '6.3.1', '15.2.2', '15.3.4'],
  api: ['API4:2023'],
  attacks,
  controls,
  stacks: [
    // Braces have a name at each level: both bounds stop them.
    {
      controls: ['json-depth', 'json-names'],
      opens: ['json-deep-objects', 'json-deep-arrays', 'json-many-names'],
    },
  ],
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    const content = '𝄞'.repeat(20_000);
    const { status } = await ada.client.post('/v1/resources', { title: 'x', content });
    if (status !== 201) throw new Error('the longest content that is allowed is refused');
    const { body } = await ada.client.get<{ items: unknown[] }>('/v1/resources?limit=100');
    if (body.items.length !== 1) throw new Error('the largest page that is allowed is refused');
  },
};
