import { isDeepStrictEqual } from 'node:util'

import { AuthError, type Verifier } from '@claimgate/core'

/** Verifiers that must give the same answers as the first. */
export type Contestants = readonly [reference: Verifier, ...others: Verifier[]]

/** The results so far. */
export interface Comparison {
  inputs: number
  accepted: number
  /** Codes of the refusals. */
  readonly codes: Set<string>
  /** Inputs with different answers, and these answers. */
  readonly different: string[]
}

export function newComparison(): Comparison {
  return { inputs: 0, accepted: 0, codes: new Set(), different: [] }
}

/** Verifies an input with all of them, and twice with all but the reference, because the second answer may come from the cache. */
export async function compare(
  token: string,
  [reference, ...others]: Contestants,
  comparison: Comparison,
): Promise<void> {
  const expected = await answerOf(reference, token)
  comparison.inputs += 1
  if (expected.code === undefined) comparison.accepted += 1
  else comparison.codes.add(expected.code)
  for (const [index, other] of [...others, ...others].entries()) {
    const answer = await answerOf(other, token)
    if (!isDeepStrictEqual(answer, expected))
      comparison.different.push(`${index}: ${JSON.stringify({ token, answer, expected })}`)
  }
}

interface Answer {
  readonly code?: string
  readonly [part: string]: unknown
}

async function answerOf(verifier: Verifier, token: string): Promise<Answer> {
  try {
    const { claims, header, scopes, token: own } = await verifier.verify(token)
    return {
      claims,
      header,
      scopes: [...scopes],
      token: own,
      isFrozen: isFrozenThrough(claims) && isFrozenThrough(header),
    }
  } catch (error) {
    if (!(error instanceof AuthError)) return { code: 'none', thrown: String(error) }
    const { code, status, message, expected, actual, hint, error: wire, retryAfter } = error
    return { code, status, message, expected, actual, hint, wire, retryAfter }
  }
}

function isFrozenThrough(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozenThrough)
}
