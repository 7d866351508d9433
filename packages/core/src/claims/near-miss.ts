const LONGEST_DIFFERENCE = 8

/**
 * What a person would overlook when comparing two issuers or audiences; `undefined` where they truly differ. Costs nothing for a text
 * whose length is far off, however long it is.
 */
export function nearMiss(expected: string, actual: string): string | undefined {
  if (expected === actual || Math.abs(expected.length - actual.length) > LONGEST_DIFFERENCE) return undefined
  if (withoutSlash(expected) === withoutSlash(actual)) return 'They differ only by a trailing slash'
  if (expected.toLowerCase() === actual.toLowerCase()) return 'They differ only by case'
  if (withoutScheme(expected) === withoutScheme(actual)) return 'They differ only by the scheme (http or https)'
  if (expected.trim() === actual.trim()) return 'They differ only by white space'
  return undefined
}

/** The near miss among several accepted texts, if there is one. */
export function nearestMiss(accepted: Iterable<string>, actual: string): string | undefined {
  for (const expected of accepted) {
    const hint = nearMiss(expected, actual)
    if (hint !== undefined) return hint
  }
  return undefined
}

const withoutSlash = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text)
const withoutScheme = (text: string): string => text.replace(/^https?:\/\//i, '')
