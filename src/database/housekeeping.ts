import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { acrossOwners } from './acting.js';

const EVERY_MS = 10 * 60_000;

/** Small bites: no long lock, no long statement. What is left is taken the next time. */
export const SWEEP_ROWS = 5_000;

/** Runs what features registered to delete rows that have no more meaning. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Housekeeping.name);
  private readonly sweeps: (() => Promise<unknown>)[] = [];
  private timer: NodeJS.Timeout | undefined;

  register(sweep: () => Promise<unknown>): void {
    this.sweeps.push(sweep);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.run(), EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** One after another; a failure is logged and does not keep the others from running. */
  async run(): Promise<void> {
    for (const sweep of this.sweeps) {
      await acrossOwners(sweep).catch((error: Error) =>
        this.logger.warn(`not swept: ${error.message}`),
      );
    }
  }
}
