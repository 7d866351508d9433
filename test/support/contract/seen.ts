import { expect } from 'vitest'
import { COMPARED_FIELDS, type Expected } from './expected.ts'
import type { RawResponse } from './raw-request.ts'

/** What is compared of an answer. */
interface Seen {
  readonly status: unknown
  readonly headers: unknown
  readonly body: unknown
}

export function seen({ status, headers, body }: RawResponse): Seen {
  return { status, headers: Object.fromEntries(COMPARED_FIELDS.map((name) => [name, headers.get(name)])), body }
}

/** Absent fields are compared, too. */
export function wanted({ status, headers, body }: Expected): Seen {
  if (headers === 'unchecked') return { status, headers: expect.anything(), body: body ?? expect.any(String) }
  const values = COMPARED_FIELDS.map((name) => {
    const value = headers[name]
    return [name, value instanceof RegExp ? expect.stringMatching(value) : value]
  })
  return { status, headers: Object.fromEntries(values), body }
}
