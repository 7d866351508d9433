import type { Line } from './terminal/line.ts'

/** 0: good. 1: refused, or the verdict is bad. 2: cannot say, wrong usage included. */
export type ExitCode = 0 | 1 | 2

/** What a command found. The program prints it: `lines` at a terminal, `json` with `--json`. */
export interface Outcome {
  readonly exitCode: ExitCode
  /** The members after `command` and `exitCode`. Their shape is documented in the README and stable. */
  readonly json: Readonly<Record<string, unknown>>
  readonly lines: readonly Line[]
}

/** A command cannot say anything, and the message tells the user what to do. Exit code 2. */
export class CannotSay extends Error {
  override readonly name = 'CannotSay'
}
