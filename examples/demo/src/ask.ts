import { type Answer, differences, type Expected } from './answer.ts'
import type { Narrator } from './narrator.ts'
import type { Target } from './target.ts'

/** A request of the story. */
export interface Question {
  /** Method and path. */
  readonly line: `${'GET' | 'POST'} /${string}`
  readonly token?: string
  /** What the token is called in the story. @defaultValue 'no token' */
  readonly with?: string
}

/** Asks each server the same, and tells what was sent, what came back, and whether that is as expected. */
export async function ask(
  narrator: Narrator,
  servers: readonly Target[],
  question: Question,
  expected: Expected,
): Promise<void> {
  narrator.sent(`${question.line} with ${question.with ?? 'no token'}`)
  for (const server of servers) {
    const answer = await answerOf(server, question)
    narrator.got(`${server.name.padEnd(7)} ${oneLine(answer)}`, differences(answer, expected))
  }
}

const LONGEST = 10_000

async function answerOf({ url }: Target, { line, token }: Question): Promise<Answer> {
  const [method = 'GET', path = '/'] = line.split(' ')
  const response = await fetch(url + path, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(LONGEST),
  })
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    body: await response.text(),
  }
}

function oneLine({ status, challenge, retryAfter, body }: Answer): string {
  // The description is the same sentence every time.
  const shortened = challenge?.replace(/, error_description="[^"]*"/, '')
  if (shortened !== undefined) return `${status} WWW-Authenticate: ${shortened}`
  return retryAfter === null ? `${status} ${body}` : `${status} Retry-After: ${retryAfter}`
}
