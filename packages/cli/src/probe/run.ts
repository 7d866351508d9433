import { isHttpToken } from '@claimgate/core/adapter'

import { askServe, readBadTokens } from '../development/ask-serve.ts'
import type { BadTokenList } from '../development/bad-token-list.ts'
import { portOf, wholeNumber } from '../development/options.ts'
import { type Options, SERVE_PORT } from '../options.ts'
import { CannotSay, type Outcome } from '../outcome.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { findingsOf } from './findings.ts'
import { probeOutcome, type Signed } from './report.ts'
import { sender } from './send.ts'
import { resolveTarget } from './target.ts'

/** @throws CannotSay if the answers of the API say nothing, or an option is wrong */
export async function runProbe(url: string, options: Options, terminal: Terminal): Promise<Outcome> {
  const given = options as ProbeOptions
  const sending = { header: headerOf(given.header), timeout: 1000 * timeoutOf(given.timeout) }
  const target = await resolveTarget(url, given.allowRemote)
  const { list, signed, header } = await tokensOf(given, terminal)
  const send = sender(target, { ...sending, header: sending.header ?? header })
  const findings = await terminal.progress(`Sending ${list.bad.length} bad tokens`, findingsOf(send, list))
  return probeOutcome(target, signed, findings)
}

interface ProbeOptions {
  readonly port?: string
  readonly ownToken?: true
  readonly keyFile?: string
  readonly header?: string
  readonly allowRemote?: string
  readonly timeout?: string
}

interface Tokens {
  readonly list: BadTokenList
  readonly signed: Signed
  /** The header in which the provider's proxy sends the token. */
  readonly header?: string | undefined
}

async function tokensOf({ ownToken, keyFile, port }: ProbeOptions, terminal: Terminal): Promise<Tokens> {
  if (ownToken === undefined) {
    if (keyFile !== undefined) throw new CannotSay('--key-file needs --own-token.')
    const servePort = portOf(port, SERVE_PORT, 1)
    const answer = readBadTokens(await askServe(servePort, '/bad-tokens'), servePort)
    return { list: answer, signed: 'serve', header: answer.header }
  }
  if (port !== undefined) throw new CannotSay('Give --port or --own-token, not both.')
  const { listBadTokens } = await import('../development/bad-token-list.ts')
  const good = await terminal.readSecret('Token')
  if (keyFile === undefined) return { list: await listBadTokens(good), signed: 'nothing' }
  const { readKeyOf } = await import('../development/key-file.ts')
  return { list: await listBadTokens(good, await readKeyOf(good, keyFile)), signed: 'key file' }
}

function headerOf(name: string | undefined): string | undefined {
  if (name === undefined || isHttpToken(name)) return name
  throw new CannotSay('--header must be the name of a header, such as x-amzn-oidc-data.')
}

const DEFAULT_TIMEOUT = 5

function timeoutOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_TIMEOUT
  const seconds = wholeNumber(given)
  if (seconds !== undefined && seconds >= 1 && seconds <= 60) return seconds
  throw new CannotSay('--timeout must be a whole number of seconds from 1 to 60.')
}
