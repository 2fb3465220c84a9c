import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Config } from '../config/config.js';
import { Problem } from '../http/problem.js';

/** Nobody waits longer than this for a service of others. */
export const BREACH_ANSWER_MS = 1_500;
/** An answer has some 40 kB; what is larger is none. */
const MAX_ANSWER_BYTES = 256 * 1024;
const PREFIX_LENGTH = 5;

/**
 * Asks a list of passwords known from breaches (ASVS 6.2.12), by k-anonymity: it learns five of forty
 * digits of a hash, which thousands of passwords share. Only where BREACHED_PASSWORDS_URL names one.
 */
@Injectable()
export class BreachedPasswordsService {
  private readonly logger = new Logger(BreachedPasswordsService.name);

  constructor(private readonly config: Config) {}

  /** Throws `weak_password`. When the list does not answer, the other rules have to do. */
  async refuse(password: string, at = '/password'): Promise<void> {
    if (!this.config.breachedPasswordsUrl || !(await this.isKnown(password))) return;
    const message = 'is known from a breach of another service';
    throw new Problem('weak_password', { errors: [{ at, rule: 'breached', message }] });
  }

  private async isKnown(password: string): Promise<boolean> {
    // SHA-1 is the list's language, not a defence of ours.
    const hash = createHash('sha1').update(password).digest('hex').toUpperCase();
    try {
      const answer = await this.ask(hash.slice(0, PREFIX_LENGTH));
      const [, count = '0'] =
        new RegExp(`^${hash.slice(PREFIX_LENGTH)}:(\\d+)\\r?$`, 'm').exec(answer) ?? [];
      // The list pads its answers with rows that nobody has used.
      return count !== '0';
    } catch (error) {
      this.logger.warn(`no answer about breached passwords: ${(error as Error).message}`);
      return false;
    }
  }

  private async ask(prefix: string): Promise<string> {
    const response = await fetch(`${this.config.breachedPasswordsUrl}${prefix}`, {
      // The size of an answer must not tell who listens which prefix it was.
      headers: { 'add-padding': 'true' },
      // Where we send digits of passwords is the operator's decision, not the answering server's.
      redirect: 'error',
      signal: AbortSignal.timeout(BREACH_ANSWER_MS),
    });
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    let text = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.length > MAX_ANSWER_BYTES) throw new Error('too long');
    }
    return text;
  }
}
