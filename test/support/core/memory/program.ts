// Passes thousands of tokens to each of the named cases, and prints how many more bytes are in use afterwards, as JSON.
import { setTimeout } from 'node:timers/promises'

import { report } from '../../resilience/report.ts'
import { type Case, CLAIMS, MISTAKES, OTHERS, REQUESTS } from './cases.ts'

const GROUPS: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  requests: REQUESTS,
  claims: CLAIMS,
  others: OTHERS,
  mistakes: MISTAKES,
}

async function inUse(): Promise<number> {
  let least = Infinity
  // Memory released by finalizers and streams is collected some turns later.
  for (let time = 0; time < 4; time += 1) {
    await setTimeout(5)
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
  }
  return least
}

// The memory of one case must not be collected while another one is measured.
const alive: unknown[] = []

async function kept({ make, count }: Case): Promise<number> {
  // The memory of modules loaded for the first tokens is not counted.
  const first = make()
  for (let index = 0; index < 50; index += 1) await first.show(index)
  const made = make()
  alive.push(first, made)
  const before = await inUse()
  for (let index = 50; index < count + 50; index += 1) await made.show(index)
  return (await inUse()) - before
}

const bytes: Record<string, number> = {}
for (const [name, each] of Object.entries(GROUPS[process.argv[2] ?? ''] ?? {})) bytes[name] = await kept(each)
report(JSON.stringify(bytes))
