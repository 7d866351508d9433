import type { Paint } from './paint.ts'

/** Prints the story, and counts what came out as expected and what did not. */
export interface Narrator {
  /** Begins a numbered step. */
  step(title: string): void
  /** A sentence about what happens. */
  say(text: string): void
  /** What is sent. */
  sent(text: string): void
  /** What came back, with the problems there are with it; none means that it is as expected. */
  got(text: string, problems: readonly string[]): void
  /** Why something was refused. */
  why(text: string): void
  /** A blank line and the sum of it all. */
  sum(): void
  /** How many answers were not as expected. */
  failures(): number
}

/** A narrator that gives its lines to `write`. */
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
