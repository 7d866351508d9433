import { type Answer, differences, type Expected } from './answer.ts'
import type { Narrator } from './narrator.ts'
import type { Target } from './target.ts'

/** A request of the demo. */
export interface Question {
  /** Method and path. */
  readonly line: `${'GET' | 'POST'} /${string}`
  readonly token?: string
  /** The name of the token in the output. @defaultValue 'no token' */
  readonly with?: string
}

/** Sends the same request to each server, and prints the request, the responses, and whether they are as expected. */
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
  // Omits the description, which is always the same sentence.
  const shortened = challenge?.replace(/, error_description="[^"]*"/, '')
  if (shortened !== undefined) return `${status} WWW-Authenticate: ${shortened}`
  return retryAfter === null ? `${status} ${body}` : `${status} Retry-After: ${retryAfter}`
}
