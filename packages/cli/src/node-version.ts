const OLDEST = [22, 19] as const

/** Why a version of Node cannot run the program; `undefined` if it can. */
export function nodeFlaw(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined
  return `it needs Node ${OLDEST.join('.')} or later, and this is ${version}`
}
