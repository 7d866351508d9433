import { isDeepStrictEqual } from 'node:util'

import { AuthError, type Verifier } from '@claimgate/core'

/** The results so far. */
export interface Tally {
  /** How often each code was the answer. */
  readonly refusals: Map<string, number>
  accepted: number
  /** Inputs that violated a rule: the violation, and the input to repeat it with. */
  readonly broken: string[]
}

/** How each input is checked. */
export interface Jury {
  readonly verifier: Verifier
  /** The claims that another implementation reads from the token with the same key; rejects if it refuses the token. */
  readonly opinion: (token: string) => Promise<object>
  /** Claims that may be accepted; absent if the input is signed, because then any may. */
  readonly originals?: readonly object[]
}

export function newTally(): Tally {
  return { refusals: new Map(), accepted: 0, broken: [] }
}

/**
 * Checks one input: it is refused with an `AuthError` of status 401, or it has the claims of an original, and the other
 * implementation also accepts it, with the same claims.
 */
export async function judge(token: string, { verifier, opinion, originals }: Jury, tally: Tally): Promise<void> {
  let claims: object
  try {
    // Verified claims inherit nothing; they are compared with plain objects.
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
  // `nbf: null` counts as absent here; jose requires a number.
  if ('nbf' in claims && claims.nbf === null) return
  if (!isDeepStrictEqual(claims, theirs))
    tally.broken.push(`accepted here and not by jose (${JSON.stringify(theirs)}): ${JSON.stringify(token)}`)
}
