/** A server's response. */
export interface Answer {
  readonly status: number
  /** The `WWW-Authenticate` field. */
  readonly challenge: string | null
  /** The `Retry-After` field. */
  readonly retryAfter: string | null
  readonly body: string
}

/** The expected response. */
export interface Expected {
  readonly status: number
  /** The exact challenge, or words that it must contain. If omitted, there must be no challenge. */
  readonly challenge?: string | readonly string[]
  /** Text that the body must contain. */
  readonly body?: string
}

/** One sentence for each difference; empty if the response is as expected. */
export function differences(answer: Answer, expected: Expected): readonly string[] {
  return [
    ...(answer.status === expected.status ? [] : [`expected status ${expected.status}`]),
    ...challengeDifferences(answer.challenge, expected.challenge),
    ...(answer.body.includes(expected.body ?? '') ? [] : [`expected a body with ${expected.body}`]),
    ...((answer.status === 503) === /^\d+$/.test(answer.retryAfter ?? '')
      ? []
      : ['expected Retry-After with 503 alone']),
  ]
}

function challengeDifferences(challenge: string | null, expected: Expected['challenge']): readonly string[] {
  if (expected === undefined) return challenge === null ? [] : ['expected no challenge']
  if (typeof expected === 'string') return challenge === expected ? [] : [`expected the challenge ${expected}`]
  return expected
    .filter((words) => !(challenge ?? '').includes(words))
    .map((words) => `expected a challenge with ${words}`)
}
