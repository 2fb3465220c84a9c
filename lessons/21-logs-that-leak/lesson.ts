import { randomBytes } from 'node:crypto';
import type { Lesson } from '../engine/lesson.js';
import { attacks, readLog } from './attacks.js';
import { controls, stacks } from './controls.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '21-logs-that-leak',
  title: 'Logs that leak',
  claim:
    'The log tells who did what and when it failed; it holds no content, no search, no hash, no address of a person, and no text of an attacker’s.',
  asvs: ['14.2.1', '14.2.4', '16.2.1', '16.2.5', '16.4.1'],
  api: ['API8:2023'],
  attacks,
  controls,
  stacks,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    const traceId = randomBytes(16).toString('hex');
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    await ada.client.get('/v1/resources?title=x', { traceparent });
    const line = (await readLog(target)).split('\n').find((text) => text.includes(traceId)) ?? '';
    for (const fact of ['"route":"/v1/resources"', '"status":200', ada.id])
      if (!line.includes(fact)) throw new Error(`an operator does not find ${fact}`);
  },
};
