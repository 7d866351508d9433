import { misconfigured } from '../errors/misconfigured.ts'

/** What a runtime says of itself in `process.versions`. */
export interface RuntimeVersions {
  readonly node?: string | undefined
  readonly bun?: string | undefined
  readonly deno?: string | undefined
}

// What undici asks for: an older Node cannot load it, and would seem to have no network.
const OLDEST = [22, 19] as const

/**
 * Refuses a Node that cannot load undici. Runtimes that name a version of Node only to be compatible are let through.
 *
 * @throws TypeError
 */
export function assertNodeVersion({ node = '', bun, deno }: RuntimeVersions): void {
  if (bun !== undefined || deno !== undefined) return
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw misconfigured(
    'fetch keys',
    `Claimgate needs Node ${OLDEST.join('.')} or later for fetching keys, and this is ${node}; or give a "fetch" of your own`,
  )
}
