import { own } from '../model/values.ts'
import { misconfigured, objectWith, type OptionRow } from './option-rules.ts'

/** A verifier that another verifier calls. Only authenticators pass the request, so it must not depend on the request. */
export const wrappedVerifier: OptionRow = {
  ...objectWith('a verifier, which createVerifier makes', 'verify', 'explain', 'ready', 'close'),
  read: (action: string, verifier: object, name: string) => {
    if (own(verifier, 'dependsOnRequest') !== true) return verifier
    throw misconfigured(
      action,
      `"${name}" must not depend on the request: make a verifier for each of its verifiers, and give those to selectVerifier`,
    )
  },
}
