import type { BadToken } from '@claimgate/testing'

import type { BadTokenList } from '../development/bad-token-list.ts'
import { CannotSay } from '../outcome.ts'
import type { Answer, Send } from './send.ts'

/** What an API did with each bad token. */
export interface Findings {
  readonly letIn: readonly Found[]
  readonly refused: readonly Found[]
  /** Answers that say neither. */
  readonly unclear: readonly Found[]
  /** Tokens that a header field cannot carry as they are. */
  readonly unsent: readonly BadToken[]
}

/** A bad token, and what the API answered. */
export interface Found {
  readonly token: BadToken
  readonly answer: Answer
}

/** Requests that are under way at the same time. */
const IN_FLIGHT = 4

/** After so many requests in a row without an answer, the API is gone. */
const MOST_FAILURES = 8

/**
 * Sends the bad tokens. Before, it checks that the route refuses a request without a token and lets the good token in, and afterwards
 * that it still lets that in: otherwise the answers about bad tokens say nothing.
 *
 * @throws CannotSay if the answers say nothing
 */
export async function findingsOf(send: Send, { good, bad }: BadTokenList): Promise<Findings> {
  if (!canSend(good))
    throw new CannotSay('A header field cannot carry the good token: it is too long, or holds characters of no token.')
  const without = await send()
  if ('failure' in without) throw new CannotSay(`The API does not answer: ${without.failure}. Is it running?`)
  if (isGood(without))
    throw new CannotSay(`The route answers ${said(without)} without a token. Choose one that needs a token.`)
  const before = await send(good)
  if (!isGood(before))
    throw new CannotSay(
      `The route does not let the good token in: ${said(before)}. Check its path, and that the API trusts the issuer of the token.`,
    )
  const sendable = bad.filter(({ token }) => canSend(token))
  const found = await sendAll(send, sendable)
  const after = await send(good)
  if (!isGood(after))
    throw new CannotSay(
      `Afterwards the route no longer lets the good token in: ${said(after)}. It may limit or lock out clients, so its refusals say nothing.`,
    )
  const of = (kind: Kind): readonly Found[] => found.filter((one) => kindOf(one, without) === kind)
  return {
    letIn: of('let in'),
    refused: of('refused'),
    unclear: of('unclear'),
    unsent: bad.filter(({ token }) => !canSend(token)),
  }
}

async function sendAll(send: Send, tokens: readonly BadToken[]): Promise<readonly Found[]> {
  const found: Found[] = []
  const waiting = tokens.entries()
  let failures = 0
  const work = async (): Promise<void> => {
    for (const [index, token] of waiting) {
      const answer = await send(token.token)
      failures = 'failure' in answer ? failures + 1 : 0
      if (failures >= MOST_FAILURES)
        throw new CannotSay(`The API no longer answers: ${said(answer)}. The last token was: ${token.name}`)
      found[index] = { token, answer }
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, work))
  return found
}

// Node and most servers take at most 16 KiB of header fields.
const LONGEST = 15_000

/** Whether a header field carries the token unchanged: no control characters and nothing that is trimmed (RFC 9110 section 5.5). */
function canSend(token: string): boolean {
  return token.length <= LONGEST && /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(token)
}

type Kind = 'let in' | 'refused' | 'unclear'

// RFC 6750 section 3.1, and the refusals of a server that finds the header field too long or malformed.
const REFUSALS = [400, 401, 403, 413, 431]

// Tokens whose `kid` is unknown. While an API may not fetch keys again, 503 is the right answer to them.
const UNKNOWN_KEYS = [4, 5]

/** A refusal is also what the route answers without a token, such as a redirect to a login. */
function kindOf({ token, answer }: Found, without: Answer): Kind {
  if (!('status' in answer)) return 'unclear'
  if (isGood(answer)) return 'let in'
  const { status } = answer
  if (status === 503) return token.requirement.some((number) => UNKNOWN_KEYS.includes(number)) ? 'refused' : 'unclear'
  const asWithout = 'status' in without && status === without.status && status < 500
  return asWithout || REFUSALS.includes(status) ? 'refused' : 'unclear'
}

function isGood(answer: Answer): boolean {
  return 'status' in answer && answer.status >= 200 && answer.status < 300
}

/** An answer in words. */
export function said(answer: Answer): string {
  return 'status' in answer ? `status ${answer.status}` : answer.failure
}
