import { type Line, type Span, type Style, styled } from './terminal/line.ts'
import type { ExitCode } from './outcome.ts'

/** How a finding affects the verdict. `note` does not; `unknown` means that something could not be examined. */
export type Severity = 'good' | 'bad' | 'warning' | 'unknown' | 'note'

/** Something found, for people and for `--json`. */
export interface Finding {
  readonly severity: Severity
  /** What it is about, in one or two words: `issuer`, `certificate`. */
  readonly about: string
  readonly message: string
  /** What to do. */
  readonly hint?: string | undefined
  /** Further lines for people. */
  readonly details?: readonly Line[]
}

const MARKS: Readonly<Record<Severity, { readonly mark: string; readonly style: Style }>> = {
  good: { mark: '✓', style: 'good' },
  bad: { mark: '✗', style: 'bad' },
  warning: { mark: '!', style: 'warning' },
  unknown: { mark: '?', style: 'warning' },
  note: { mark: '–', style: 'dim' },
}

const WIDTH = 14

/** The mark of a severity, in its colour. */
export function markOf(severity: Severity): Span {
  const { mark, style } = MARKS[severity]
  return styled(style, mark)
}

/** A finding as lines: the mark, what it is about, the message; what to do below. */
export function findingLines({ severity, about, message, hint, details = [] }: Finding): readonly Line[] {
  const advice: readonly Line[] = hint === undefined ? [] : [[' '.repeat(WIDTH + 5), styled('dim', hint)]]
  return [['  ', markOf(severity), ' ', about.padEnd(WIDTH), ' ', message], ...advice, ...details]
}

/** The verdict of findings: bad if anything is bad, else unknown if something could not be examined, else good. */
export function verdictOf(findings: readonly Finding[]): {
  readonly verdict: 'good' | 'bad' | 'unknown'
  readonly exitCode: ExitCode
} {
  if (findings.some(({ severity }) => severity === 'bad')) return { verdict: 'bad', exitCode: 1 }
  if (findings.some(({ severity }) => severity === 'unknown')) return { verdict: 'unknown', exitCode: 2 }
  return { verdict: 'good', exitCode: 0 }
}

/** Findings that a reader should act on, as `problems` of `--json`. */
export function problemsOf(findings: readonly Finding[]): readonly object[] {
  return findings
    .filter(({ severity }) => severity !== 'good' && severity !== 'note')
    .map(({ severity, about, message, hint }) => ({ severity, about, message, ...(hint !== undefined && { hint }) }))
}
