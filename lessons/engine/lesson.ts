import type { Target } from './target.js';

/** One exact change to the source, made as the file is loaded. `find` must stand there exactly once. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}

/** How an instance differs from the shipped app. Nothing is ever changed on disk. */
export interface Change {
  edits?: Edit[];
  /** Run as the owner of the instance's database before it starts. */
  sql?: string;
  /** A line of the deployment's configuration. */
  env?: Record<string, string>;
}

/** What an attack brought home, in words that are the same at every run; null when it got nothing. */
export type Loot = string | null;

export interface Attack {
  id: string;
  title: string;
  /** Speaks HTTP to the target as an outsider would, and judges by the loot, not by a status. */
  run: (target: Target) => Promise<Loot>;
  /**
   * A change that the attack needs before it starts: a careless route, a leaked secret. The shipped
   * app may answer it by refusing to start, with words that match `refusal`.
   */
  scenario?: Change & { refusal?: RegExp };
  /**
   * Against which removals it is swept, which it should not get through: against all, unless it takes
   * long. What looks at a clock or a hash, or disturbs the instance for a moment, is tried in the states
   * of its own lesson, each on an instance of its own.
   */
  swept?: 'in its lesson' | 'never';
  /** No two of these are tried at once: each would slow the other down. */
  looksAtTheClock?: true;
  /** Needs more than an address: the database as the app's role, or the instance's log. */
  needsLab?: true;
}

export interface Control {
  id: string;
  title: string;
  /** Where it stands, for the reader. */
  file: string;
  removal: Change;
  /** The attacks that succeed once it is gone. None: another control stands behind it (see stacks). */
  opens: string[];
}

/** Controls that stand behind each other: only with all of them gone do the attacks succeed. */
export interface Stack {
  controls: string[];
  opens: string[];
}

export interface WrongFix {
  id: string;
  title: string;
  /** Why it fails, in a sentence. */
  why: string;
  change: Change;
  /** The variants that still succeed. */
  opens: string[];
}

export interface Lesson {
  /** The folder's name: number and threat. */
  folder: string;
  title: string;
  claim: string;
  asvs: string[];
  api: string[];
  controls: Control[];
  stacks?: Stack[];
  attacks: Attack[];
  wrongFixes: WrongFix[];
  /** The legitimate use that must work as shipped; throws when it does not. */
  use: (target: Target) => Promise<void>;
}
