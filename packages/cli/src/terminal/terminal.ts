import pc from 'picocolors'

import { CannotSay } from '../outcome.ts'
import { readSecret } from './read-token.ts'
import { type Line, printable, printableJson, type Span, type Style } from './line.ts'

/** Where a command writes. Everything it prints is escaped here, so a token's text cannot control the terminal. */
export interface Terminal {
  /** Whether `--json` was given: then only JSON goes to standard output. */
  readonly json: boolean
  /** Whether standard output is a terminal, and not a file or another program. */
  readonly interactive: boolean
  /** Prints lines to standard output. Nothing with `--json`. */
  print(...lines: readonly Line[]): void
  /** Prints one JSON value to standard output. Nothing without `--json`. With `line`, on one line. */
  printJson(value: unknown, form?: 'line'): void
  /** Prints lines to standard error. */
  note(...lines: readonly Line[]): void
  /** Waits for `work`. Prints `text` to standard error if that takes longer than a second. */
  progress<T>(text: string, work: Promise<T>): Promise<T>
  /**
   * Reads a secret, such as a token, from standard input, or from a prompt that shows nothing.
   *
   * @param name - what the prompt asks for, for example `Token`
   * @throws CannotSay if there is nothing to read, or too much
   */
  readSecret(name: string): Promise<string>
}

/** A stream to print to. */
type Output = NodeJS.WritableStream & { readonly isTTY?: boolean }

const PROGRESS_AFTER_MS = 1000

/** A terminal over two streams. A closed reader, such as `head`, ends the output silently; any other failure ends the process. */
export function createTerminal(
  json: boolean,
  stdout: Output = process.stdout,
  stderr: Output = process.stderr,
): Terminal {
  for (const stream of [stdout, stderr]) stream.on('error', ignoreClosedReader)
  const toOutput = painter(stdout)
  const toErrors = painter(stderr)

  return {
    json,
    interactive: stdout.isTTY === true,
    print: (...lines) => {
      if (!json) stdout.write(lines.map((line) => `${toOutput(line)}\n`).join(''))
    },
    printJson: (value, form) => {
      if (json) stdout.write(`${form === 'line' ? printable(JSON.stringify(value)) : printableJson(value)}\n`)
    },
    note: (...lines) => {
      stderr.write(lines.map((line) => `${toErrors(line)}\n`).join(''))
    },
    progress: async (text, work) => {
      const timer = setTimeout(
        () => stderr.write(`${toErrors({ style: 'dim', text: `${text} …` })}\n`),
        PROGRESS_AFTER_MS,
      )
      try {
        return await work
      } finally {
        clearTimeout(timer)
      }
    },
    readSecret,
  }
}

function painter(stream: Output): (line: Line) => string {
  const paint = pc.createColors(hasColors(stream))
  const styles: Record<Style, (text: string) => string> = {
    good: paint.green,
    bad: paint.red,
    warning: paint.yellow,
    dim: paint.dim,
    bold: paint.bold,
  }
  const span = (one: Span): string =>
    typeof one === 'string' ? printable(one) : styles[one.style](printable(one.text))
  return (line) => (typeof line === 'object' && 'length' in line ? line.map(span).join('') : span(line))
}

// Colours only at a terminal, and never with NO_COLOR or TERM=dumb (https://no-color.org).
function hasColors(stream: Output): boolean {
  const { NO_COLOR: noColor = '', TERM: term } = process.env
  return stream.isTTY === true && noColor === '' && term !== 'dumb'
}

function ignoreClosedReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw new CannotSay(`The output cannot be written (${error.code ?? 'unknown error'}).`)
}
