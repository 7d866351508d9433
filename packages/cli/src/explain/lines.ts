import type { ExplanationStep } from '@claimgate/core'
import { own, quote } from '@claimgate/core/adapter'
import type { RecognisedProvider } from '@claimgate/core/providers'

import type { Configuration } from '../configuration.ts'
import { markOf, type Severity } from '../finding.ts'
import { type Line, styled } from '../terminal/line.ts'
import type { Rules } from './rules.ts'
import type { TokenTime } from './times.ts'
import { type DecodedToken, type Kind, textOf } from './token.ts'

/** What is said about a token. */
export interface TokenReport {
  /** `null` if the signature was not checked. */
  readonly accepted: boolean | null
  readonly code: string | null
  readonly summary: string
  readonly kind: Kind
  readonly provider: RecognisedProvider | undefined
  readonly times: readonly TokenTime[]
  readonly rules: Rules
  readonly steps: readonly ExplanationStep[]
  readonly configuration: readonly Configuration[]
}

const LONGEST = 300

/** An explanation for people. */
export function explanationLines(report: TokenReport, { header, claims }: DecodedToken): readonly Line[] {
  const { accepted, summary, kind, provider, times, rules, steps, configuration } = report
  const shown = [
    ['algorithm', textOf(header, 'alg')],
    ['key ID', textOf(header, 'kid')],
    ['issuer', textOf(claims, 'iss')],
    ['audience', own(claims, 'aud')],
  ].flatMap(([name, value]): readonly Line[] =>
    value === undefined ? [] : [fact(String(name), quote(value, LONGEST))],
  )
  return [
    fact('looks like', `${kind.name}, because ${kind.because}`),
    ...(provider === undefined ? [] : [fact('issued by', `${provider.title}, by the form of its issuer`)]),
    ...shown,
    ...times.map(({ claim, at, words }) => fact(claim, `${words}${at === null ? '' : ` (${at})`}`)),
    fact('keys', rules.keys ?? 'none, so the signature is not checked'),
    ...(rules.unchecked.length === 0 ? [] : [fact('not asked for', rules.unchecked.join(' and '))]),
    '',
    styled(accepted === null ? 'warning' : accepted ? 'good' : 'bad', summary),
    '',
    ...steps.flatMap((step) => stepLines(step, times)),
    ...configuration.flatMap(({ code, replace }, index): readonly Line[] => [
      '',
      styled(
        'dim',
        `${index > 0 ? 'Or' : accepted === true ? 'Options' : FROM_CLAIMS}${replace.length === 0 ? '' : `. Replace ${replace.join(', ')}`}:`,
      ),
      ...code,
    ]),
  ]
}

const FROM_CLAIMS = 'Options, from the claims of this token: compare them with the console of your provider'
const WIDTH = 14

function fact(name: string, text: string): Line {
  return [styled('dim', name.padEnd(WIDTH)), ' ', text]
}

const SEVERITIES: Readonly<Record<ExplanationStep['result'], Severity>> = {
  passed: 'good',
  failed: 'bad',
  skipped: 'note',
}

function stepLines(
  { step, result, code, expected, actual, hint }: ExplanationStep,
  times: readonly TokenTime[],
): readonly Line[] {
  const words = times.find(({ claim }) => claim === step)?.words
  const passed = result === 'passed' ? (words ?? actual) : words
  const after = [
    ...(passed === undefined ? [] : [` ${passed}`]),
    ...(code === undefined ? [] : [styled('dim', ` ${code}`)]),
  ]
  const title: Line = ['  ', markOf(SEVERITIES[result]), ' ', after.length === 0 ? step : step.padEnd(WIDTH), ...after]
  if (result === 'passed') return [title]
  const details = [
    ['expected', expected],
    ['found', actual],
    ['hint', hint],
  ]
  return [
    title,
    ...details.flatMap(([name = '', text]): readonly Line[] =>
      text === undefined ? [] : [[' '.repeat(6), styled('dim', name.padEnd(9)), text]],
    ),
  ]
}
