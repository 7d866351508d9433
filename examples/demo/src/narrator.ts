import type { Paint } from './paint.ts'

/** Prints the demo's output, and counts expected and unexpected responses. */
export interface Narrator {
  /** Starts a numbered step. */
  step(title: string): void
  /** A sentence about what happens. */
  say(text: string): void
  /** Prints a request. */
  sent(text: string): void
  /** Prints a response and its problems. No problems means that it is as expected. */
  got(text: string, problems: readonly string[]): void
  /** Prints why a request was refused. */
  why(text: string): void
  /** Prints a blank line and the summary. */
  sum(): void
  /** The number of unexpected responses. */
  failures(): number
}

/** Creates a narrator that passes its lines to `write`. */
export function createNarrator(write: (line: string) => void, paint: Paint): Narrator {
  let steps = 0
  let passed = 0
  let failed = 0

  return {
    step: (title) => {
      steps += 1
      write(`\n${paint.bold(`${steps}. ${title}`)}`)
    },
    say: (text) => write(`   ${text}`),
    sent: (text) => write(`   ${paint.dim('->')} ${text}`),
    got: (text, problems) => {
      if (problems.length === 0) passed += 1
      else failed += 1
      write(`   ${problems.length === 0 ? paint.green('✓') : paint.red('✗')}  ${text}`)
      for (const problem of problems) write(`      ${paint.red(problem)}`)
    },
    why: (text) => write(`      ${paint.dim(`why: ${text}`)}`),
    sum: () => {
      const text = `${passed} answers as expected, ${failed} not`
      write(`\n${failed === 0 ? paint.green(`✓ ${text}`) : paint.red(`✗ ${text}`)}`)
    },
    failures: () => failed,
  }
}
