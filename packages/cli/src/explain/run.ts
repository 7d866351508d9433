import { createVerifier, type Explanation, type Verifier } from '@claimgate/core'
import { catalogue, own } from '@claimgate/core/adapter'
import { providerOf } from '@claimgate/core/providers'

import { type Configuration, plainConfiguration, profileConfiguration } from '../configuration.ts'
import { networkOf, type Options } from '../options.ts'
import { CannotSay, type ExitCode, type Outcome } from '../outcome.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { explanationLines, type TokenReport } from './lines.ts'
import { type Rules, rulesOf } from './rules.ts'
import { timesOf } from './times.ts'
import { type DecodedToken, decodeToken, kindOf, textOf } from './token.ts'

// As copied from a request.
const PREFIX = /^(?:authorization: *)?(?:bearer|dpop) +/i

/** Explains the token on standard input, or of the prompt. */
export async function runExplain(options: Options, terminal: Terminal): Promise<Outcome> {
  const { timeout } = networkOf(options)
  const rules = await rulesOf(options)
  const verifier = verifierOf(rules, timeout)
  const token = (await terminal.readSecret('Token')).replace(PREFIX, '')
  const decoded = decodeToken(token)
  const explanation = await terminal.progress('Fetching keys', verifier.explain(token))
  verifier.close()
  const report: TokenReport = {
    ...verdictOf(explanation, rules),
    kind: kindOf(decoded),
    provider: providerOf(textOf(decoded.claims, 'iss') ?? '', decoded.header),
    times: timesOf(decoded.claims, Date.now() / 1000),
    rules,
    configuration: configurationsOf(decoded),
  }
  return { exitCode: exitCodeOf(report), json: jsonOf(report, decoded), lines: explanationLines(report, decoded) }
}

function verifierOf({ policy }: Rules, timeout: number): Verifier {
  try {
    return createVerifier({ ...policy, keySet: { timeout } })
  } catch (error) {
    if (error instanceof TypeError) throw new CannotSay(error.message)
    throw error
  }
}

const NOT_CHECKED = 'not checked: give --issuer, --provider, --jwks-uri or --key-file'

type Verdict = Pick<TokenReport, 'accepted' | 'code' | 'summary' | 'steps'>

function verdictOf({ accepted, code, summary, steps }: Explanation, { keys }: Rules): Verdict {
  if (keys !== undefined) {
    // Status 503 is not the fault of the token: keys, or something else that decides, cannot be reached.
    const isUnknown = code !== undefined && catalogue[code].status === 503
    return { accepted: isUnknown ? null : accepted, code: code ?? null, summary, steps }
  }
  const known = steps.map((step) =>
    step.code === 'keys_unavailable' || (step.step === 'signature' && step.result === 'skipped')
      ? { step: step.step, result: 'skipped' as const, hint: NOT_CHECKED }
      : step,
  )
  const failed = known.find(({ result }) => result === 'failed')
  const outcome =
    failed === undefined
      ? 'Not refused by what can be checked without keys. The signature was not checked'
      : `Refused in any case (${failed.code ?? 'error'}): ${failed.step}`
  return { accepted: null, code: failed?.code ?? null, summary: outcome, steps: known }
}

function exitCodeOf({ accepted }: TokenReport): ExitCode {
  if (accepted === null) return 2
  return accepted ? 0 : 1
}

// The words of profiles that a claim shows.
function configurationsOf({ claims, header }: DecodedToken): readonly Configuration[] {
  const issuer = textOf(claims, 'iss')
  if (issuer === undefined) return []
  const audience = audienceOf(claims)
  const clientId = ['client_id', 'azp', 'cid', 'appid']
    .map((name) => textOf(claims, name))
    .find((id) => id !== undefined)
  const provider = providerOf(issuer, header)
  return [
    ...(provider === undefined ? [] : [profileConfiguration(provider, { audience, clientId })]),
    plainConfiguration({ issuer, audience }),
  ]
}

function audienceOf(claims: Readonly<Record<string, unknown>>): string | readonly string[] | undefined {
  const audience = own(claims, 'aud')
  if (typeof audience === 'string') return audience
  const isList = Array.isArray(audience) && audience.length > 0 && audience.every((one) => typeof one === 'string')
  return isList ? audience : undefined
}

function jsonOf(
  { accepted, code, summary, kind, provider, times, rules, steps, configuration }: TokenReport,
  { header }: DecodedToken,
): Outcome['json'] {
  return {
    accepted,
    code,
    summary,
    token: {
      kind: kind.kind,
      because: kind.because,
      provider: provider === undefined ? null : { name: provider.name, title: provider.title },
      algorithm: textOf(header, 'alg') ?? null,
      times,
    },
    keys: rules.keys ?? null,
    unchecked: rules.unchecked,
    steps,
    configuration: configuration.map(({ code: lines }) => lines.join('\n')),
  }
}
