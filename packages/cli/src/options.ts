import type { Command } from 'commander'

import { CannotSay } from './outcome.ts'

/** The port of `serve`, unless its option says otherwise. */
export const SERVE_PORT = 9000

/** The values of a command's options, by their camel-case names. */
export type Options = Readonly<Record<string, unknown>>

/** The value of an option that takes text; `undefined` if it was not given. */
export function textOf(options: Options, name: string): string | undefined {
  const value = valueOf(options, name)
  return typeof value === 'string' ? value : undefined
}

/** The values of an option that may be given several times. */
export function listOf(options: Options, name: string): readonly string[] {
  const value = valueOf(options, name)
  return Array.isArray(value) ? value.map(String) : []
}

// Not `own` of core, because declaring options must not load core.
const valueOf = (options: Options, name: string): unknown => (Object.hasOwn(options, name) ? options[name] : undefined)

/** Collects the values of an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

const LONGEST_WAIT = 30
const DEFAULT_WAIT = 5

/** Adds the options of all commands that fetch. */
export function declareNetwork(command: Command): Command {
  return command
    .option('--timeout <seconds>', `how long one fetch may take, up to ${LONGEST_WAIT} s`, String(DEFAULT_WAIT))
    .option('--allow-http-host <host>', 'a host of your own network that may use http:, such as keycloak:8080', collect)
}

/** Adds the options of commands that find keys through the metadata of an issuer. */
export function declareDiscovery(command: Command): Command {
  return command
    .option('--metadata-uri <url>', 'where the metadata is, if not at the well-known addresses')
    .option('--allowed-key-host <host>', "a host besides the issuer's where its keys may be", collect)
}

/** Limits of fetches, as the options say them. */
export interface NetworkOptions {
  /** Seconds. */
  readonly timeout: number
  readonly allowHttpHosts: readonly string[]
}

/** @throws {@link CannotSay} for a timeout that is no number of seconds */
export function networkOf(options: Options): NetworkOptions {
  const timeout = Number(textOf(options, 'timeout'))
  if (!(timeout > 0 && timeout <= LONGEST_WAIT))
    throw new CannotSay(`--timeout must be seconds, more than 0 and at most ${LONGEST_WAIT}.`)
  return { timeout, allowHttpHosts: listOf(options, 'allowHttpHost') }
}
