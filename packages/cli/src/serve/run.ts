import { once } from 'node:events'

import { type DevServer, startDevServer } from '../development/dev-server.ts'
import { portOf, wordsOf } from '../development/options.ts'
import { configurationOf, credentialField } from '../development/paste.ts'
import { type Options, SERVE_PORT, textOf } from '../options.ts'
import { CannotSay, type ExitCode } from '../outcome.ts'
import { type Line, styled } from '../terminal/line.ts'
import type { Terminal } from '../terminal/terminal.ts'

const DEFAULT_AUDIENCE = 'orders-api'

/**
 * Runs the issuer until a signal ends the process.
 *
 * @throws CannotSay if the port cannot be used, or an option is wrong
 */
export async function runServe(options: Options, terminal: Terminal): Promise<ExitCode> {
  // Every program on the machine can get its tokens.
  if (process.env['NODE_ENV'] === 'production')
    throw new CannotSay('serve is for development, and NODE_ENV is production.')
  const provider = textOf(options, 'provider')
  const audience = textOf(options, 'audience') ?? (provider === undefined ? DEFAULT_AUDIENCE : undefined)
  const alg = textOf(options, 'alg')
  const server = await startDevServer(portOf(options['port'], SERVE_PORT, 0), {
    ...(provider !== undefined && { provider }),
    ...(audience !== undefined && { audience }),
    ...(alg !== undefined && { algorithm: alg }),
    words: wordsOf(options),
  })
  try {
    const end = stopped()
    await announce(server, terminal)
    await end
  } finally {
    await server.close()
  }
  return 0
}

/** Waits for Ctrl-C, or for what asks the process to end. A second signal ends it at once. */
async function stopped(): Promise<void> {
  const ended = new AbortController()
  const { signal } = ended
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => once(process, name, { signal }))).finally(() =>
    ended.abort(),
  )
}

async function announce(server: DevServer, terminal: Terminal): Promise<void> {
  const { issuer, audience = null, provider } = server.issuer.plan
  const { token } = await server.issuer.mint()
  const configuration = provider && configurationOf(provider, server.addresses.jwksUri)
  const facts = { issuer, audience, provider: provider?.name ?? null, configuration: configuration ?? null, token }
  if (terminal.json) {
    // One line, so that a program knows when it has read all.
    terminal.printJson({ command: 'serve', ...facts, ...server.addresses }, 'line')
    return
  }
  const port = Number(new URL(server.origin).port)
  const start = `JWT_ISSUER=${issuer} JWT_AUDIENCE=${String(audience)} node server.mjs`
  terminal.print(
    styled('bold', 'Issuer for development, until Ctrl-C. Its keys are new at each start.'),
    ...rows({
      issuer,
      audience: printed(audience),
      metadata: server.addresses.metadata,
      keys: server.addresses.jwksUri,
    }),
    ...section('Accept its tokens', configuration ?? [start]),
    ...section('Call your API. The token is good for an hour', [
      `export TOKEN=${token}`,
      `curl -i http://127.0.0.1:3000/ -H "${credentialField(provider, '$TOKEN')}"`,
    ]),
    ...section('More', [
      `curl -X POST ${server.addresses.tokens} -d '{"claims":{"sub":"bob"}}'   # or: claimgate mint${port === SERVE_PORT ? '' : ` --port ${port}`} --claim sub=bob`,
      `curl -X POST ${server.addresses.rotate}   # sign with a new key; the set keeps the old ones`,
      `curl -X POST ${server.addresses.outage}   # keys and metadata answer 503; -d '{"kind":"hang"}' hangs`,
      `curl -X POST ${server.addresses.recover}`,
    ]),
  )
}

function rows(facts: Readonly<Record<string, string>>): readonly Line[] {
  return Object.entries(facts).map(([name, value]) => [styled('dim', `  ${name.padEnd(10)}`), value])
}

function section(title: string, lines: readonly string[]): readonly Line[] {
  return ['', styled('bold', title), ...lines.map((line) => `  ${line}`)]
}

function printed(audience: unknown): string {
  if (typeof audience === 'string') return audience
  return audience === null ? 'none' : JSON.stringify(audience)
}
