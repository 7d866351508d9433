import { beforeAll, describe, expect, it } from 'vitest'

import { startChild } from '../../support/resilience/child/run-child.ts'
import { CLAIMS, MISTAKES, OTHERS, REQUESTS } from '../../support/core/memory/cases.ts'

type Group = 'requests' | 'claims' | 'others' | 'mistakes'

// Without the second, unused code would be collected while something else is measured.
const FLAGS: readonly string[] = ['--expose-gc', '--no-flush-bytecode']

/** Bytes that each case of a group keeps, measured in a process that collects garbage on demand. */
async function measure(group: Group): Promise<Readonly<Record<string, number>>> {
  const child = startChild('../../core/memory/program.ts', [group], { flags: FLAGS })
  const { code, output, errors } = await child.ended
  if (code !== 0) throw new Error(`It ended with ${code}: ${errors.slice(0, 2000)}`)
  return JSON.parse(output) as Readonly<Record<string, number>>
}

const LONG = 120_000

describe('33. Caches use only as much memory as their limit says', () => {
  const results: Partial<Record<Group, Readonly<Record<string, number>>>> = {}
  beforeAll(async () => {
    const groups = ['requests', 'claims', 'others', 'mistakes'] as const
    await Promise.all(
      groups.map(async (group) => {
        results[group] = await measure(group)
      }),
    )
  }, LONG)
  const share = (group: Group, name: string, most: number): number => (results[group]?.[name] ?? Number.NaN) / most

  it.each(Object.entries(REQUESTS))('and keep nothing of the request for tokens in %s', (name, { most }) => {
    expect(share('requests', name, most)).toBeLessThan(1.5)
    // A cache that keeps nothing would also be small.
    expect(share('requests', name, most)).toBeGreaterThan(0.3)
  })

  it.each(Object.entries(CLAIMS))('whatever the tokens contain: %s', (name, { most }) => {
    expect(share('claims', name, most)).toBeLessThan(1.5)
    expect(share('claims', name, most)).toBeGreaterThan(0.3)
  })

  it.each(Object.entries(OTHERS))('and also %s', (name, { most }) => {
    expect(share('others', name, most)).toBeLessThan(1.5)
  })

  it.each(Object.entries(MISTAKES))('and a mistake is detected: %s', (name, { most }) => {
    expect(share('mistakes', name, most)).toBeGreaterThan(10)
  })
})
