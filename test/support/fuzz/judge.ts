import { isDeepStrictEqual } from 'node:util'

import { AuthError, type Verifier } from '@claimgate/core'

/** What became of the inputs so far. */
export interface Tally {
  /** How often each code was the answer. */
  readonly refusals: Map<string, number>
  accepted: number
  /** Inputs that broke a rule: what was wrong, and the input to repeat it with. */
  readonly broken: string[]
}

/** What is asked about each input. */
export interface Jury {
  readonly verifier: Verifier
  /** The claims another implementation finds in the token with the same key; rejects where it refuses it. */
  readonly opinion: (token: string) => Promise<object>
  /** Claims that may come out; absent where the input is signed, so that any may. */
  readonly originals?: readonly object[]
}

export function newTally(): Tally {
  return { refusals: new Map(), accepted: 0, broken: [] }
}

/**
 * Holds one input to the rules: it is refused with an `AuthError` of status 401, or it has the claims of an original, and
 * whatever is accepted here is accepted, with the same claims, by the other implementation too.
 */
export async function judge(token: string, { verifier, opinion, originals }: Jury, tally: Tally): Promise<void> {
  let claims: object
  try {
    // Verified claims inherit nothing; what they are compared with are plain objects.
    claims = structuredClone((await verifier.verify(token)).claims)
  } catch (error) {
    if (error instanceof AuthError && error.status === 401)
      tally.refusals.set(error.code, (tally.refusals.get(error.code) ?? 0) + 1)
    else tally.broken.push(`threw ${String(error)}: ${JSON.stringify(token)}`)
    return
  }
  tally.accepted += 1
  if (originals && !originals.some((original) => isDeepStrictEqual(claims, original)))
    tally.broken.push(`accepted with other claims: ${JSON.stringify(token)}`)
  const theirs = await opinion(token).catch((error: unknown) => String(error))
  // `nbf: null` is taken for absent here; jose asks for a number.
  if ('nbf' in claims && claims.nbf === null) return
  if (!isDeepStrictEqual(claims, theirs))
    tally.broken.push(`accepted here and not by jose (${JSON.stringify(theirs)}): ${JSON.stringify(token)}`)
}
