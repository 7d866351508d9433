// Fetches keys from the given address repeatedly, and prints how much memory grew, in bytes.
import { AuthError, remoteKeySet } from '@claimgate/core/extend'

import { report } from '../report.ts'
import { shiftedClock } from '../shifted-clock.ts'

const [, , uri = '', ordinary = ''] = process.argv
const clock = shiftedClock()
const inUse = (): number => {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
const attempt = async (address: string): Promise<string> => {
  const keys = remoteKeySet(address, { clock })
  return keys.ready().then(
    () => 'fetched',
    (error: unknown) =>
      error instanceof AuthError ? String((error.cause as { reason?: string }).reason) : String(error),
  )
}

// The memory of modules loaded by the first fetch is not counted.
const outcomes = [await attempt(ordinary), await attempt(ordinary)]
globalThis.gc?.()
const atFirst = inUse()
const growths: number[] = []
for (let count = 0; count < 5; count += 1) {
  globalThis.gc?.()
  const before = inUse()
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, inUse())
  }, 1)
  outcomes.push(await attempt(uri))
  peak = Math.max(peak, inUse())
  clearInterval(watch)
  growths.push(peak - before)
}
globalThis.gc?.()
report(JSON.stringify({ outcomes, grown: Math.max(...growths), kept: inUse() - atFirst }))
