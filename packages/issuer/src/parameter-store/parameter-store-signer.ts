import type { SSMClient } from '@aws-sdk/client-ssm'
import { ownOptions } from '../own.ts'
import type { Signer } from '../signer/signer.ts'
import { type ParameterStoreKey, parameterStoreKey } from './parameter-store-key.ts'
import { OPTIONS, type ParameterStoreOptions } from './parameter-store-options.ts'

// By client, and below it by the options that decide about the key; a passphrase is one of them, so they stay in here.
const keys = new WeakMap<SSMClient, Map<string, ParameterStoreKey>>()

/**
 * The signer of a key in Parameter Store: `parameterStoreKey(options).signer()`, with one key kept per client, name and
 * settings. So it may be called as often as a signer is needed: the parameter is read once, or once per `ttl`. The `onEvent`
 * and `clock` are those of the first call.
 *
 * @throws TypeError where an option is wrong.
 * @throws ParameterStoreError where the key cannot be had: `code` says why, `cause` has the SDK's error where that is sure not
 * to quote the key.
 */
export const parameterStoreSigner = async (options: ParameterStoreOptions): Promise<Signer> => {
  const created = parameterStoreKey(options)
  const { client, name, algorithm, passphrase, createIfMissing, ttl, timeout } = ownOptions(options, OPTIONS)
  const ofClient = keys.get(client) ?? new Map<string, ParameterStoreKey>()
  keys.set(client, ofClient)
  const settings = JSON.stringify([name, algorithm, passphrase, createIfMissing, ttl, timeout])
  const key = ofClient.get(settings) ?? created
  ofClient.set(settings, key)
  return key.signer()
}
