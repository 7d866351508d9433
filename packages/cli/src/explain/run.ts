import { createVerifier, type ErrorCode, type Explanation, type ExplanationStep, type Verifier } from '@claimgate/core'
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

type Verdict = Pick<TokenReport, 'accepted' | 'code' | 'summary' | 'steps'>

function verdictOf({ accepted, code, summary, steps: all }: Explanation, { keys }: Rules): Verdict {
  const isOffline = keys === undefined
  const steps = all.map((step) => withoutUnchecked(step, isOffline))
  const isWhole = steps.every((step, index) => step === all[index])
  if (isWhole) return { accepted: isUnknown(code) ? null : accepted, code: code ?? null, summary, steps }
  const failed = steps.find(({ result }) => result === 'failed')
  if (failed === undefined) return { accepted: null, code: null, summary: isOffline ? NO_KEYS : BOUND, steps }
  const refused = `Refused${isOffline ? ' in any case' : ''} (${failed.code ?? 'error'}): ${failed.step}`
  return {
    accepted: isOffline || isUnknown(failed.code) ? null : false,
    code: failed.code ?? null,
    summary: refused,
    steps,
  }
}

const NO_KEYS = 'Not refused by what can be checked without keys. The signature was not checked'
const BOUND =
  'Every other step passed, but the token is bound to a key of the client, and only a request proves that key'

// Status 503 is not the fault of the token: keys, or something else that decides, cannot be reached.
const isUnknown = (code: ErrorCode | undefined): boolean => code !== undefined && catalogue[code].status === 503

// The confirmations of DPoP and of mutual TLS, as the step quotes them.
const BINDINGS: ReadonlyMap<string | undefined, string> = new Map([
  ['["jkt"]', 'bindings: [dpop({ origin, replay })] of @claimgate/core/dpop'],
  ['["x5t#S256"]', "bindings: [mtls({ from: 'connection' })] of @claimgate/core/mtls"],
])

/** A step that only failed because there is no key, or no request. */
function withoutUnchecked(given: ExplanationStep, isOffline: boolean): ExplanationStep {
  const { step, result, code, actual } = given
  if (isOffline && (code === 'keys_unavailable' || (step === 'signature' && result === 'skipped')))
    return { step, result: 'skipped', hint: 'not checked: give --issuer, --provider, --jwks-uri or --key-file' }
  const binding = code === 'binding_unsupported' ? BINDINGS.get(actual) : undefined
  if (binding === undefined) return given
  return {
    step,
    result: 'skipped',
    hint: `not checked, because the proof comes with a request: your API needs ${binding}`,
  }
}

function exitCodeOf({ accepted }: TokenReport): ExitCode {
  if (accepted === null) return 2
  return accepted ? 0 : 1
}

// The settings of profiles that a claim shows.
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
