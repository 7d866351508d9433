import type { Answer } from './show-state.ts'

/** A server of the demo and its name in the output. */
export interface Target {
  readonly name: string
  /** Without a trailing slash. */
  readonly url: string
}

/** A request of the demo. */
export interface Question {
  /** Method and path. */
  readonly line: `${'GET' | 'POST'} /${string}`
  readonly token?: string
  /** The name of the token in the output. @defaultValue 'no token' */
  readonly with?: string
}

/** The expected response. */
export interface Expected {
  readonly status: number
  /** The exact challenge, or words that it must contain. If omitted, there must be no challenge. */
  readonly challenge?: string | readonly string[]
  /** Text that the body must contain. */
  readonly body?: string
}

/** Prints the demo's output, and counts expected and unexpected responses. */
export interface Narrator {
  /** Starts a numbered step. */
  step(title: string): void
  /** A sentence about what happens, or why a request was refused. */
  say(text: string): void
  /** Sends the same request to each server, and prints one line for all equal responses. */
  ask(servers: readonly Target[], question: Question, expected: Expected): Promise<void>
  /** Prints a result and its problems. No problems means that it is as expected. */
  got(text: string, problems: readonly string[]): void
  /** Prints a blank line and the summary. */
  sum(): void
  /** The number of unexpected responses. */
  failures(): number
}

/** The longest line of the output. */
const WIDTH = 120
const TIMEOUT = 10_000

/** Creates a narrator that passes its lines to `write`. Uses colours if the output is a terminal and `NO_COLOR` is unset or empty. */
export function createNarrator(
  write: (line: string) => void,
  terminal: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Narrator {
  const coloured = terminal.isTTY === true && (env['NO_COLOR'] ?? '') === ''
  const paint = (code: number, text: string): string => (coloured ? `\u001B[${code}m${text}\u001B[0m` : text)
  const [bold, dim, green, red] = [1, 2, 32, 31]
  let steps = 0
  let passed = 0
  let failed = 0

  const got = (text: string, problems: readonly string[], answers = 1): void => {
    const isExpected = problems.length === 0
    if (isExpected) passed += answers
    else failed += answers
    write(`   ${isExpected ? paint(green, '✓') : paint(red, '✗')} ${shortened(text, WIDTH - 5)}`)
    for (const problem of problems) write(`     ${paint(red, problem)}`)
  }

  return {
    step: (title) => {
      steps += 1
      write(`\n${paint(bold, `${steps}. ${title}`)}`)
    },
    say: (text) => {
      for (const line of wrapped(text, WIDTH - 5)) write(paint(dim, `     ${line}`))
    },
    ask: async (servers, question, expected) => {
      const answers: { readonly text: string; readonly problems: readonly string[]; readonly names: string[] }[] = []
      for (const { name, url } of servers) {
        const answer = await answerOf(url, question)
        const text = oneLine(answer)
        const equal = answers.find((other) => other.text === text)
        if (equal === undefined) answers.push({ text, problems: differences(answer, expected), names: [name] })
        else equal.names.push(name)
      }
      const request = `${question.line}, ${question.with ?? 'no token'}`
      for (const { text, problems, names } of answers)
        got(`${request} → ${names.length > 2 ? 'all' : names.join(', ')}: ${text}`, problems, names.length)
    },
    got,
    sum: () => {
      const text = `${passed} answers as expected, ${failed} not`
      write(`\n${failed === 0 ? paint(green, `✓ ${text}`) : paint(red, `✗ ${text}`)}`)
    },
    failures: () => failed,
  }
}

/** Sends a request to a server. Rejects if there is no response within ten seconds. */
export async function answerOf(url: string, { line, token }: Pick<Question, 'line' | 'token'>): Promise<Answer> {
  const [method = 'GET', path = '/'] = line.split(' ')
  const response = await fetch(url + path, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT),
  })
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    body: await response.text(),
  }
}

// Omits the description, which is always the same sentence, and the fixed text of problem documents.
function oneLine({ status, challenge, retryAfter, body }: Answer): string {
  if (challenge !== null) return `${status} ${challenge.replace(/, error_description="[^"]*"/, '')}`
  return retryAfter === null ? `${status} ${body}`.trimEnd() : `${status} Retry-After: ${retryAfter}`
}

/** One sentence for each difference; empty if the response is as expected. */
function differences(answer: Answer, expected: Expected): readonly string[] {
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

function shortened(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text
}

/** Breaks a text into lines at spaces and commas. */
function wrapped(text: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of text.match(/[^ ,]*[ ,]*/g) ?? []) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + word.trimEnd().length > width) lines.push(word)
    else lines[lines.length - 1] = line + word
  }
  return lines.map((line) => line.trimEnd())
}
