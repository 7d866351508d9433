import { readFile } from 'node:fs/promises'

import type { IssuerPolicy, JSONWebKeySet } from '@claimgate/core'
import { AuthError, systemCode } from '@claimgate/core/adapter'

import { listOf, networkOf, type Options, textOf } from '../options.ts'
import { CannotSay } from '../outcome.ts'

/** What a token is checked against. */
export interface Rules {
  readonly policy: IssuerPolicy
  /** Where keys come from, in words; `undefined` if the signature cannot be checked. */
  readonly keys: string | undefined
  /** Checks that the options do not ask for, in words. */
  readonly unchecked: readonly string[]
}

/**
 * The rules that the options give. Only they name addresses: nothing of the token does.
 *
 * @throws {@link CannotSay} for options that do not go together
 */
export async function rulesOf(options: Options): Promise<Rules> {
  const provider = textOf(options, 'provider')
  return provider === undefined ? plainRules(options) : providerRules(provider, options)
}

async function plainRules(options: Options): Promise<Rules> {
  if (listOf(options, 'option').length > 0)
    throw new CannotSay('--option is a setting of a provider: give --provider too.')
  const { allowHttpHosts } = networkOf(options)
  const [issuer, jwksUri, keyFile] = ['issuer', 'jwksUri', 'keyFile'].map((name) => textOf(options, name))
  if (jwksUri !== undefined && keyFile !== undefined) throw new CannotSay('Give --jwks-uri or --key-file, not both.')
  const discovery = discoveryOf(options)
  const isDiscovered = issuer !== undefined && jwksUri === undefined && keyFile === undefined
  if (Object.keys(discovery).length > 0 && !isDiscovered)
    throw new CannotSay(
      '--metadata-uri and --allowed-key-host are for keys that are found through the metadata of --issuer.',
    )
  const audience = listOf(options, 'audience')
  const claims = { issuer: issuer ?? null, audience: audience.length === 0 ? null : audience }
  const hosts = allowHttpHosts.length === 0 ? {} : { allowHttpHosts }
  const unchecked = [
    ...(issuer === undefined ? ['the issuer'] : []),
    ...(audience.length === 0 ? ['the audience'] : []),
  ]
  if (keyFile !== undefined)
    return { policy: { ...claims, ...(await keysOf(keyFile)) }, keys: `the file ${keyFile}`, unchecked }
  if (jwksUri !== undefined) return { policy: { ...claims, ...hosts, jwksUri }, keys: jwksUri, unchecked }
  if (issuer !== undefined)
    return { policy: { ...claims, ...hosts, ...discovery }, keys: `the metadata of ${issuer}`, unchecked }
  return { policy: { ...claims, keys: { resolve: noKeys } }, keys: undefined, unchecked }
}

function discoveryOf(options: Options): Pick<IssuerPolicy, 'metadataUri' | 'allowedKeyHosts'> {
  const metadataUri = textOf(options, 'metadataUri')
  const allowedKeyHosts = listOf(options, 'allowedKeyHost')
  return {
    ...(metadataUri !== undefined && { metadataUri }),
    ...(allowedKeyHosts.length > 0 && { allowedKeyHosts }),
  }
}

async function noKeys(): Promise<never> {
  throw new AuthError('keys_unavailable', {
    hint: 'Without --issuer, --provider, --jwks-uri or --key-file nothing is fetched',
  })
}

async function providerRules(name: string, options: Options): Promise<Rules> {
  const other = ['issuer', 'jwksUri', 'keyFile'].find((option) => textOf(options, option) !== undefined)
  if (other !== undefined)
    throw new CannotSay('With --provider, leave out --issuer, --jwks-uri and --key-file: the profile sets them.')
  const audience = listOf(options, 'audience')
  const words = Object.fromEntries([
    ...(audience.length === 0 ? [] : [['audience', audience.join(',')]]),
    ...listOf(options, 'option').map(wordOf),
  ]) as Readonly<Record<string, string>>
  const { policyFromTexts } = await import('@claimgate/core/providers')
  try {
    return { policy: policyFromTexts(name, words), keys: `the profile ${name}`, unchecked: [] }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new CannotSay(
      `${error.message.replace(/\?$/, '')}. Write settings as --option NAME=VALUE, such as --option domain=acme.eu.auth0.com`,
    )
  }
}

function wordOf(text: string): readonly [string, string] {
  const end = text.indexOf('=')
  if (end < 1) throw new CannotSay('Write --option NAME=VALUE, such as --option domain=acme.eu.auth0.com')
  const [name, value] = [text.slice(0, end), text.slice(end + 1)]
  if (/secret|token$/i.test(name))
    throw new CannotSay(
      `Never pass a secret such as ${name} as an argument: the history of your shell and other users can read it.`,
    )
  return [name, value]
}

/** The keys of a file: a JWK Set, a JWK or a PEM. */
async function keysOf(path: string): Promise<Pick<IssuerPolicy, 'jwks' | 'publicKey'>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CannotSay(`Cannot read the key file (${systemCode(error) ?? 'error'}).`)
  })
  const set = jwksOf(text)
  return set === undefined ? { publicKey: text } : { jwks: set }
}

function jwksOf(text: string): JSONWebKeySet | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && Object.hasOwn(value, 'keys')
      ? (value as JSONWebKeySet)
      : undefined
  } catch {
    return undefined
  }
}
