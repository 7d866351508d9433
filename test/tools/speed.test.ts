import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { describe, expect, it } from 'vitest'

// About half of what the full benchmark reaches: noise is smaller, a mistake on the quick path is larger.
const LEAST = {
  'RS256, 64 in flight': 0.35,
  'RS256, one at a time': 0.35,
  'ES256, 64 in flight': 0.45,
  'ES256, one at a time': 0.45,
  'the same token again': 0.35,
  'DPoP proofs, 64 in flight': 0.5,
}
const TRIES = 4

const guard = join(import.meta.dirname, '../bench/guard.mjs')

// Ratios from the same run, never times, because a slow machine also slows the limit down.
describe('the speed of the built files relative to the limit', () => {
  it('is at least half of what it was', { timeout: 120_000 }, async () => {
    const best: Record<string, number> = {}
    for (let attempt = 0; attempt < TRIES && tooSlow(best).length > 0; attempt += 1)
      for (const [name, ratio] of Object.entries(await measuredRatios())) best[name] = Math.max(best[name] ?? 0, ratio)
    expect(tooSlow(best), JSON.stringify(best)).toEqual([])
  })
})

function tooSlow(best: Readonly<Record<string, number>>): string[] {
  return Object.entries(LEAST)
    .filter(([name, least]) => (best[name] ?? 0) < least)
    .map(([name]) => name)
}

// A separate process, because the test runner would measure its own way of loading modules.
async function measuredRatios(): Promise<Record<string, number>> {
  const { stdout } = await promisify(execFile)(process.execPath, [guard])
  return JSON.parse(stdout) as Record<string, number>
}
