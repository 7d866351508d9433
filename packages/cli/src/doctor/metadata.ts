import {
  FetchError,
  firstMetadata,
  jwksUriOf,
  metadataOf,
  metadataUris,
  own,
  plainHttpFrom,
} from '@claimgate/core/adapter'

import type { Finding } from '../finding.ts'
import { type Answer, type Fetch, severityOf } from '../network/fetch.ts'
import { type Comparison, compareIssuers, comparisonFinding } from './compare.ts'

/** What an issuer's metadata addresses answered, and what follows. */
export interface MetadataReport {
  readonly answers: readonly Answer[]
  /** The answer that Claimgate uses. */
  readonly used: Answer | undefined
  readonly comparison: Comparison | undefined
  /** The address of the JWK Set, if Claimgate would fetch it. */
  readonly jwksUri: URL | undefined
  readonly findings: readonly Finding[]
}

/** What is examined, as the command line says it. */
export interface Examined {
  /** Exactly as the user wrote it. */
  readonly issuer: string
  readonly url: URL
  readonly metadataUri: URL | undefined
  readonly allowedKeyHosts: readonly string[]
  readonly allowHttpHosts: readonly string[]
}

/** Fetches all metadata addresses of an issuer, and applies the rules of core to the answer that Claimgate uses. */
export async function examineMetadata(examined: Examined, fetch: Fetch): Promise<MetadataReport> {
  const uris = examined.metadataUri === undefined ? metadataUris(examined.url) : [examined.metadataUri]
  const answers = await Promise.all(uris.map(async (uri) => fetch(uri)))
  let used: Answer | undefined
  try {
    await firstMetadata(uris, 0, async (uri) => {
      const answer = answers.find(({ url }) => url === uri)
      if (answer?.text === undefined) throw answer?.failure ?? new FetchError('network', 'There is no answer')
      used = answer
      return { status: 200, text: answer.text, headers: { get: (name) => answer.field(name) ?? null } }
    })
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    const findings = [
      ...answers.map((answer) => answerFinding(answer, undefined)),
      { ...failed(error), about: 'metadata' },
    ]
    return { answers, used, comparison: undefined, jwksUri: undefined, findings }
  }
  const read = readMetadata(used?.text ?? '', examined)
  return {
    answers,
    used,
    ...read,
    findings: [...answers.map((answer) => answerFinding(answer, used)), ...read.findings],
  }
}

function answerFinding({ url, status, milliseconds, failure }: Answer, used: Answer | undefined): Finding {
  const isUsed = used?.url === url
  const message = `${url.href}: ${status ?? 'no answer'}, ${milliseconds} ms${isUsed ? '. Claimgate uses this one' : ''}`
  return isUsed
    ? { severity: 'good', about: 'metadata', message }
    : { severity: 'note', about: 'metadata', message, hint: failure?.message }
}

type Read = Pick<MetadataReport, 'comparison' | 'jwksUri' | 'findings'>

function readMetadata(text: string, { issuer, url, metadataUri, allowedKeyHosts, allowHttpHosts }: Examined): Read {
  let found: unknown
  try {
    found = issuerOf(text)
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    return { comparison: undefined, jwksUri: undefined, findings: [{ ...failed(error), about: 'metadata' }] }
  }
  const comparison = compareIssuers(issuer, found)
  const findings = [comparisonFinding(comparison)]
  if (typeof found !== 'string') return { comparison, jwksUri: undefined, findings }
  try {
    const from = metadataUri ?? url
    const plainHttp = plainHttpFrom(from, { loopback: 'allowed', hosts: allowHttpHosts })
    // The keys are worth a look even if the issuer differs, so the found one is expected here.
    const jwksUri = jwksUriOf(text, { issuer: found, url: from, allowedKeyHosts, plainHttp })
    return { comparison, jwksUri, findings: [...findings, hostFinding(jwksUri, from)] }
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    const hint = error.message.includes('allowedKeyHosts') ? 'To examine it: --allowed-key-host HOST' : undefined
    return { comparison, jwksUri: undefined, findings: [...findings, { ...failed(error), about: 'jwks_uri', hint }] }
  }
}

/** The `issuer` of metadata. @throws FetchError for anything that is no metadata */
function issuerOf(text: string): unknown {
  let other: unknown
  try {
    // Reads with the limits of core. No issuer equals this one.
    return metadataOf(text, '')['issuer']
  } catch (error) {
    if (!(error instanceof FetchError) || error.reason !== 'issuer_mismatch') throw error
    other = own(JSON.parse(text) as object, 'issuer')
  }
  return other
}

function hostFinding(jwksUri: URL, { hostname }: URL): Finding {
  const isSame = jwksUri.hostname === hostname
  return {
    severity: 'good',
    about: 'jwks_uri',
    message: `${jwksUri.href} is on ${isSame ? "the issuer's host" : `the allowed host ${jwksUri.hostname}`}`,
  }
}

function failed(error: FetchError): Pick<Finding, 'severity' | 'message'> {
  return { severity: severityOf(error), message: error.message }
}
