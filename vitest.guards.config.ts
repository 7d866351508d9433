import { join } from 'node:path'

import { defineConfig } from 'vitest/config'

import { sourceAliases } from './scripts/source-aliases.mjs'

const root = import.meta.dirname
const core = join(root, 'packages/core')
const copy = process.env['GUARDED_CORE'] ?? core

// `npm run guards` runs the tests of a requirement against a copy of core that lacks a guard.
export default defineConfig({
  resolve: {
    alias: sourceAliases(root).map(({ find, replacement }) => ({ find, replacement: replacement.replace(core, copy) })),
  },
  test: {
    include: ['test/{requirements,resilience}/**/*.test.ts'],
    testTimeout: 10_000,
    maxWorkers: 1,
    bail: 20,
  },
})
