import type { Outcome } from '../outcome.ts'
import { type Line, type Span, styled } from '../terminal/line.ts'
import { type Findings, type Found, said } from './findings.ts'
import type { Target } from './target.ts'

/** How the tokens were made: which faults could be tried. */
export type Signed = 'serve' | 'key file' | 'nothing'

/** What each number of a bad token's requirement is about (docs/threat-model.md). */
const TITLES: Readonly<Record<number, string>> = {
  0: 'changed, cut or wrongly signed',
  1: 'unsigned (alg "none")',
  2: 'signed with the public key as an HMAC secret',
  3: 'alg that does not fit the key',
  4: 'key or its address in the header',
  5: 'kid that is no name of a key',
  9: 'arithmetically special signatures',
  11: 'parts that are not canonical base64url',
  12: 'not three parts, or too large',
  13: 'members that come twice',
  15: 'JSON that burdens or deceives',
  16: 'extensions that must be understood (crit, b64)',
  17: 'expired, not yet valid, or times that are none',
  18: 'another issuer',
  19: 'another audience',
  21: 'another kind of token',
  40: 'bound to a key that the request does not show',
}

export function probeOutcome(target: Target, signed: Signed, findings: Findings): Outcome {
  const { letIn, refused, unclear, unsent } = findings
  const json = {
    url: target.url.href,
    addresses: target.addresses.map(({ address }) => address),
    signedBy: signed,
    letIn: letIn.map(entry),
    unclear: unclear.map(entry),
    refused: refused.length,
    unsent: unsent.map(({ name }) => name),
  }
  return { exitCode: exitCode(findings), json, lines: linesOf(target, signed, findings) }
}

function exitCode({ letIn, unclear }: Findings): Outcome['exitCode'] {
  if (letIn.length > 0) return 1
  return unclear.length > 0 ? 2 : 0
}

function entry({ token, answer }: Found): object {
  return { name: token.name, requirement: token.requirement, ...answer }
}

function linesOf(target: Target, signed: Signed, findings: Findings): readonly Line[] {
  const { letIn, refused, unclear, unsent } = findings
  const total = letIn.length + refused.length + unclear.length
  return [
    [
      'Sent ',
      styled('bold', String(total)),
      ` bad tokens to ${target.url.href} (${target.addresses.map(({ address }) => address).join(', ')})`,
    ],
    '',
    ...groupLines(findings),
    '',
    ...verdict(findings),
    ...(unsent.length > 0 ? [styled('dim', `Not sent: ${unsent.length} that a header field cannot carry.`)] : []),
    ...(signed === 'nothing' ? [styled('dim', NO_KEY)] : []),
    ...(letIn.length > 0 && signed === 'serve'
      ? [styled('dim', `Try one yourself: claimgate mint --bad '${letIn[0]?.token.name ?? ''}'`)]
      : []),
  ]
}

const NO_KEY =
  'Not tried: faults that need a valid signature, such as expired tokens. For those, use the running serve, or --key-file with the key of your issuer.'

function verdict({ letIn, unclear }: Findings): readonly Line[] {
  if (letIn.length > 0) return [styled('bad', `The API let ${letIn.length} of them in.`)]
  if (unclear.length > 0)
    return [styled('warning', `Cannot say: ${unclear.length} answers are neither a refusal nor a success.`)]
  return [styled('good', 'The API refused all of them.')]
}

// One line for each subject, and one for each token that was not refused.
function groupLines(findings: Findings): readonly Line[] {
  const subjects = Object.entries(TITLES).map(([number, title]) => {
    const of = (found: readonly Found[]): readonly Found[] =>
      found.filter(({ token: { requirement } }) => (requirement[0] ?? 0) === Number(number))
    return { title, letIn: of(findings.letIn), refused: of(findings.refused), unclear: of(findings.unclear) }
  })
  return subjects.flatMap(({ title, letIn, refused, unclear }): readonly Line[] => {
    const total = letIn.length + refused.length + unclear.length
    if (total === 0) return []
    return [
      [markOf(letIn, unclear), ` ${`${refused.length}/${total}`.padStart(7)} refused  `, title],
      ...named(letIn, styled('bad', '             let in  ')),
      ...named(unclear, styled('warning', '            unclear  ')),
    ]
  })
}

// More names of one subject say little. JSON has all.
const MOST_NAMES = 5

function named(found: readonly Found[], mark: Span): readonly Line[] {
  const shown = found
    .slice(0, MOST_NAMES)
    .map(({ token, answer }): Line => [mark, token.name, styled('dim', `  ${said(answer)}`)])
  const more = found.length - shown.length
  return more === 0 ? shown : [...shown, [mark, styled('dim', `and ${more} more; --json names all`)]]
}

function markOf(letIn: readonly Found[], unclear: readonly Found[]): Span {
  if (letIn.length > 0) return styled('bad', '✗')
  return unclear.length > 0 ? styled('warning', '–') : styled('good', '✓')
}
