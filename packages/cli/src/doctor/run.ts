import { providerOf, type RecognisedProvider } from '@claimgate/core/providers'

import { plainConfiguration, profileConfiguration } from '../configuration.ts'
import { type Finding, findingLines, problemsOf, verdictOf } from '../finding.ts'
import { type Caching, cachingOf } from '../keys/caching.ts'
import { cachingFindings, keySetFindings } from '../keys/findings.ts'
import { examineKeySet, type KeySetReport } from '../keys/report.ts'
import { configuredAddress } from '../network/address.ts'
import { type Answer, createFetch, type Fetch, severityOf } from '../network/fetch.ts'
import { surroundings, surroundingsFindings, surroundingsJson } from '../network/surroundings.ts'
import { examineTls, tlsFinding } from '../network/tls.ts'
import { listOf, networkOf, type Options, textOf } from '../options.ts'
import type { Outcome } from '../outcome.ts'
import { type Line, styled } from '../terminal/line.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { type Examined, examineMetadata, type MetadataReport } from './metadata.ts'

/** Examines an issuer: its metadata, its keys, and the way to it. */
export async function runDoctor(issuer: string, options: Options, terminal: Terminal): Promise<Outcome> {
  const { timeout, allowHttpHosts } = networkOf(options)
  const metadataUri = textOf(options, 'metadataUri')
  const examined: Examined = {
    issuer,
    url: configuredAddress(issuer, allowHttpHosts),
    metadataUri: metadataUri === undefined ? undefined : configuredAddress(metadataUri, allowHttpHosts),
    allowedKeyHosts: listOf(options, 'allowedKeyHost'),
    allowHttpHosts,
  }
  const fetch = createFetch(timeout)
  const place = surroundings()
  const metadata = await terminal.progress('Fetching metadata', examineMetadata(examined, fetch))
  const keySet = await terminal.progress('Fetching keys', examineKeys(metadata.jwksUri, fetch))
  const tls = await terminal.progress(
    'Examining TLS',
    Promise.all(
      secureOrigins([...metadata.answers, keySet?.answer]).map(async (url) => examineTls(url, timeout, place.proxy)),
    ),
  )
  const clock = clockFinding([...metadata.answers, keySet?.answer])
  const network = [...tls.map(tlsFinding), ...surroundingsFindings(place), ...(clock === undefined ? [] : [clock])]
  const findings = [...metadata.findings, ...(keySet?.findings ?? []), ...network]
  const { verdict, exitCode } = verdictOf(findings)
  const provider = providerOf(metadata.comparison?.found ?? issuer)
  const configuration = metadata.used === undefined ? [] : configurationOf(examined, metadata, keySet, provider)
  return {
    exitCode,
    json: {
      verdict,
      issuer: metadata.comparison ?? { expected: issuer, found: null, equal: false, differsAt: null, difference: null },
      metadata: metadata.answers.map((answer) => ({ ...answerJson(answer), used: answer === metadata.used })),
      jwks: keySet === undefined ? null : jwksJson(keySet),
      tls,
      ...surroundingsJson(place),
      clockSkew: skewOf([...metadata.answers, keySet?.answer]) ?? null,
      provider: provider === undefined ? null : { name: provider.name, title: provider.title },
      configuration: configuration.map(({ code }) => code.join('\n')),
      problems: problemsOf(findings),
    },
    lines: [
      styled('bold', `Issuer ${issuer}`),
      ...findings.flatMap(findingLines),
      '',
      VERDICTS[verdict],
      ...configuration.flatMap(({ title, code, replace }) => [
        '',
        styled('dim', `${title}${replace.length === 0 ? '' : `. Replace ${replace.join(', ')}`}:`),
        ...code,
      ]),
    ],
  }
}

const VERDICTS: Readonly<Record<ReturnType<typeof verdictOf>['verdict'], Line>> = {
  good: [styled('good', 'Good.'), ' Claimgate can verify tokens of this issuer.'],
  bad: [
    styled('bad', 'Bad.'),
    ' Claimgate cannot verify tokens of this issuer as it is configured: see the lines with ✗.',
  ],
  unknown: [styled('warning', 'Unknown.'), ' Something could not be examined: see the lines with ?.'],
}

interface ExaminedKeys {
  readonly answer: Answer
  readonly report: KeySetReport | undefined
  readonly caching: Caching | undefined
  readonly revalidated: boolean | undefined
  readonly findings: readonly Finding[]
}

async function examineKeys(uri: URL | undefined, fetch: Fetch): Promise<ExaminedKeys | undefined> {
  if (uri === undefined) return undefined
  const answer = await fetch(uri)
  const { text, failure, status, milliseconds, bytes } = answer
  if (text === undefined) {
    const message = `${uri.href}: ${status ?? 'no answer'}. ${failure?.message ?? ''}`
    const severity = failure === undefined ? 'unknown' : severityOf(failure)
    return {
      answer,
      report: undefined,
      caching: undefined,
      revalidated: undefined,
      findings: [{ severity, about: 'JWK Set', message }],
    }
  }
  const report = examineKeySet(text)
  const caching = cachingOf(answer)
  const etag = caching.conditional ? answer.field('etag') : undefined
  const revalidated = etag === undefined ? undefined : (await fetch(uri, etag)).status === 304
  const latency: Finding = { severity: 'note', about: 'latency', message: `${milliseconds} ms for the JWK Set` }
  const findings = [...keySetFindings(report, bytes ?? 0), latency, ...cachingFindings(caching, revalidated)]
  return { answer, report, caching, revalidated, findings }
}

function secureOrigins(answers: readonly (Answer | undefined)[]): readonly URL[] {
  const origins = answers.flatMap((answer) => (answer?.url.protocol === 'https:' ? [answer.url.origin] : []))
  return [...new Set(origins)].map((origin) => new URL(origin))
}

// The default of clockTolerance.
const TOLERANCE = 5

function skewOf(answers: readonly (Answer | undefined)[]): number | undefined {
  return answers.flatMap((answer) => answer?.skew ?? [])[0]
}

function clockFinding(answers: readonly (Answer | undefined)[]): Finding | undefined {
  const skew = skewOf(answers)
  if (skew === undefined)
    return { severity: 'note', about: 'clock', message: 'The server sends no Date to compare with' }
  const message =
    skew === 0
      ? 'Same time as the server'
      : `The server's clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}`
  if (Math.abs(skew) <= TOLERANCE) return { severity: 'good', about: 'clock', message }
  return {
    severity: 'warning',
    about: 'clock',
    message,
    hint: `Synchronize the clocks: tokens are accepted ${TOLERANCE} s early or late by default.`,
  }
}

function answerJson({ url, status, milliseconds, bytes, failure, field }: Answer): object {
  return {
    url: url.href,
    status: status ?? null,
    milliseconds,
    bytes: bytes ?? null,
    contentType: field('content-type') ?? null,
    failure: failure === undefined ? null : { reason: failure.reason, message: failure.message },
  }
}

function jwksJson({ answer, report, caching, revalidated }: ExaminedKeys): object {
  return {
    ...answerJson(answer),
    host: answer.url.hostname,
    usable: report?.usable ?? 0,
    keys: report?.keys ?? [],
    duplicateKids: report?.duplicateKids ?? [],
    caching: caching ?? null,
    answers304: revalidated ?? null,
  }
}

interface Titled {
  readonly title: string
  readonly code: readonly string[]
  readonly replace: readonly string[]
}

function configurationOf(
  { issuer, metadataUri, allowedKeyHosts, allowHttpHosts }: Examined,
  { comparison }: MetadataReport,
  keySet: ExaminedKeys | undefined,
  provider: RecognisedProvider | undefined,
): readonly Titled[] {
  const options = {
    issuer: comparison?.found ?? issuer,
    metadataUri: metadataUri?.href,
    allowedKeyHosts: allowedKeyHosts.length === 0 ? undefined : allowedKeyHosts,
    allowHttpHosts: allowHttpHosts.length === 0 ? undefined : allowHttpHosts,
    keySet: tuningOf(keySet),
  }
  return [
    ...(provider === undefined
      ? []
      : [{ title: `As a profile of ${provider.title}`, ...profileConfiguration(provider) }]),
    { title: 'Configuration', ...plainConfiguration(options) },
  ]
}

function tuningOf(keySet: ExaminedKeys | undefined): object | undefined {
  const { answer, report } = keySet ?? {}
  const tuning = {
    ...((answer?.bytes ?? 0) > 65_536 && { maxBytes: 1_048_576 }),
    ...((report?.keys.length ?? 0) > 64 && { maxKeys: 1000 }),
  }
  return Object.keys(tuning).length === 0 ? undefined : tuning
}
