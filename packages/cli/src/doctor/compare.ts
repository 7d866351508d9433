import type { Finding } from '../finding.ts'
import { type Line, printable, styled } from '../terminal/line.ts'

/** An expected text and the found one, compared character by character. */
export interface Comparison {
  readonly expected: string
  readonly found: string | null
  readonly equal: boolean
  /** The index of the first character that differs; `null` if they are equal, or nothing was found. */
  readonly differsAt: number | null
  /** What the difference is, in words. */
  readonly difference: string | null
}

/** Compares the issuer that you configure with the one that the metadata names. Nothing is normalized. */
export function compareIssuers(expected: string, found: unknown): Comparison {
  if (typeof found !== 'string')
    return { expected, found: null, equal: false, differsAt: null, difference: 'the metadata names no issuer' }
  if (found === expected) return { expected, found, equal: true, differsAt: null, difference: null }
  const [one, other] = [Array.from(expected), Array.from(found)]
  const index = one.findIndex((character, at) => character !== other[at])
  const differsAt = index < 0 ? one.length : index
  return {
    expected,
    found,
    equal: false,
    differsAt,
    difference: differenceOf(expected, found, one[differsAt], other[differsAt]),
  }
}

function differenceOf(expected: string, found: string, one: string | undefined, other: string | undefined): string {
  if (found === `${expected}/`) return 'the found one ends with a slash'
  if (expected === `${found}/`) return 'the found one has no slash at its end'
  if (found.toLowerCase() === expected.toLowerCase()) return 'they differ only in upper and lower case'
  if (found.replace(/^https?:/, '') === expected.replace(/^https?:/, '')) return 'one is http, the other https'
  if (found.trim() === expected.trim()) return 'one has white space around it'
  return `expected ${nameOf(one)}, found ${nameOf(other)}`
}

// With its code point, because some characters look alike.
function nameOf(character: string | undefined): string {
  if (character === undefined) return 'the end'
  return `"${character}" (U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')})`
}

/** The comparison as a finding, with both issuers below each other and a mark at the first difference. */
export function comparisonFinding(comparison: Comparison): Finding {
  const { found, equal, difference, differsAt } = comparison
  if (equal) return { severity: 'good', about: 'issuer', message: 'The metadata names exactly this issuer' }
  const where = differsAt === null ? '' : ` at character ${differsAt + 1}`
  return {
    severity: 'bad',
    about: 'issuer',
    message: `The metadata names another issuer${where}: ${difference}`,
    hint:
      found === null
        ? 'This is no metadata of an authorization server.'
        : 'Configure the issuer exactly as the tokens have it in iss. Run doctor again with the found one.',
    details: differenceLines(comparison),
  }
}

function differenceLines({ expected, found, differsAt }: Comparison): readonly Line[] {
  if (found === null || differsAt === null) return []
  const before = printable(Array.from(expected).slice(0, differsAt).join('')).length
  return [
    ['      expected  ', expected],
    ['      found     ', found],
    [' '.repeat(16 + before), styled('bad', '^')],
  ]
}
