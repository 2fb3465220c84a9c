import config from './jest.config.js';

/** The pages in a real browser: one at a time, on one port. @type {import('jest').Config} */
export default {
  ...config,
  testMatch: ['<rootDir>/test/browser/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  reporters: ['default'],
  testTimeout: 60_000,
  maxWorkers: 1,
};
