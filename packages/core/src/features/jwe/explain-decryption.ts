import { asError, AuthError, type Explanation, type ExplanationStep, ignoredKeysHint, quote } from '../../extend.ts'
import type { JweHeader } from './parse-jwe.ts'

/** Why a token was accepted or refused after it could be decrypted: the step before, and those of the verifier. */
export function decryptedExplanation(header: JweHeader, explanation: Explanation): Explanation {
  const { alg, enc, kid } = header
  const hint = ignoredKeysHint(header)
  const decrypted: ExplanationStep = {
    step: 'decrypt',
    result: 'passed',
    expected: 'a signed JWT, encrypted',
    actual: quote({ alg, enc, kid }),
    ...(hint !== undefined && { hint }),
  }
  return { ...explanation, steps: Object.freeze([decrypted, ...explanation.steps]) }
}

/** Why a token was refused that the verifier never saw. */
export function undecryptedExplanation(thrown: unknown): Explanation {
  const error = asError(thrown)
  const skipped = ['parse', 'issuer', 'algorithm', 'key', 'signature', 'claims'].map((step): ExplanationStep => ({
    step,
    result: 'skipped',
  }))
  if (!(error instanceof AuthError)) {
    const hint = quote(error.message)
    const failed: ExplanationStep = { step: 'decrypt', result: 'failed', actual: 'an unexpected error', hint }
    return { accepted: false, summary: `Refused: ${hint}`, steps: Object.freeze([failed, ...skipped]) }
  }
  const { code, message, expected, actual, hint } = error
  const failed: ExplanationStep = {
    step: 'decrypt',
    result: 'failed',
    code,
    ...(expected !== undefined && { expected }),
    ...(actual !== undefined && { actual }),
    ...(hint !== undefined && { hint }),
  }
  return {
    accepted: false,
    code,
    summary: `Refused (${code}): ${message}`,
    steps: Object.freeze([failed, ...skipped]),
  }
}
