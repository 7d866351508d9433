import { createReadStream } from 'node:fs'

import { systemCode } from '@claimgate/core/adapter'

import { findingLines, problemsOf, verdictOf, type Finding } from '../finding.ts'
import { configuredAddress } from '../network/address.ts'
import { createFetch, MOST_BYTES, severityOf } from '../network/fetch.ts'
import { networkOf, type Options } from '../options.ts'
import { CannotSay, type Outcome } from '../outcome.ts'
import { type Line, styled } from '../terminal/line.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { type Caching, cachingOf } from './caching.ts'
import { cachingFindings, keySetFindings } from './findings.ts'
import { examineKeySet, type KeyReport } from './report.ts'

/** Examines the JWK Set at a URL or in a file. */
export async function runKeys(place: string, options: Options, terminal: Terminal): Promise<Outcome> {
  const text = /^https?:/i.test(place) ? await fetched(place, options, terminal) : await readBounded(place)
  if ('outcome' in text) return text.outcome
  const report = examineKeySet(text.text)
  return outcomeOf(place, {
    keys: report.keys,
    findings: [...keySetFindings(report, Buffer.byteLength(text.text)), ...(text.findings ?? [])],
    caching: text.caching,
    bytes: Buffer.byteLength(text.text),
    usable: report.usable,
    duplicateKids: report.duplicateKids,
  })
}

type Read =
  | { readonly text: string; readonly caching?: Caching; readonly findings?: readonly Finding[] }
  | { readonly outcome: Outcome }

async function fetched(place: string, options: Options, terminal: Terminal): Promise<Read> {
  const { timeout, allowHttpHosts } = networkOf(options)
  const url = configuredAddress(place, allowHttpHosts)
  const answer = await terminal.progress(`Fetching ${url.origin}`, createFetch(timeout)(url))
  const { text, failure, status, milliseconds } = answer
  if (failure !== undefined || text === undefined) {
    const message = failure?.message ?? 'There is no body'
    const finding: Finding = {
      severity: failure === undefined ? 'unknown' : severityOf(failure),
      about: 'JWK Set',
      message,
    }
    return {
      outcome: outcomeOf(place, {
        keys: [],
        findings: [finding],
        caching: undefined,
        bytes: null,
        usable: 0,
        duplicateKids: [],
      }),
    }
  }
  const caching = cachingOf(answer)
  const answered: Finding = {
    severity: 'note',
    about: 'answer',
    message: `${status}, ${milliseconds} ms, ${answer.field('content-type') ?? 'no content type'}`,
  }
  return { text, caching, findings: [answered, ...cachingFindings(caching, undefined)] }
}

interface Found {
  readonly keys: readonly KeyReport[]
  readonly findings: readonly Finding[]
  readonly caching: Caching | undefined
  readonly bytes: number | null
  readonly usable: number
  readonly duplicateKids: readonly string[]
}

function outcomeOf(place: string, { findings, caching, ...found }: Found): Outcome {
  const { verdict, exitCode } = verdictOf(findings)
  const lines: readonly Line[] = [styled('bold', `JWK Set ${place}`), ...findings.flatMap(findingLines)]
  return {
    exitCode,
    json: { verdict, place, ...found, caching: caching ?? null, problems: problemsOf(findings) },
    lines,
  }
}

async function readBounded(place: string): Promise<Read> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of place === '-' ? process.stdin : createReadStream(place, { end: MOST_BYTES })) {
      const bytes = Buffer.from(chunk as Uint8Array)
      size += bytes.length
      chunks.push(bytes)
      if (size > MOST_BYTES)
        throw new CannotSay(`The JWK Set has more than ${MOST_BYTES} bytes, the most that Claimgate can read.`)
    }
  } catch (error) {
    if (error instanceof CannotSay) throw error
    throw new CannotSay(
      `Cannot read the file (${systemCode(error) ?? 'error'}). Give the URL or the file of a JWK Set.`,
    )
  }
  return { text: Buffer.concat(chunks).toString('utf8') }
}
