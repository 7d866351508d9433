import type { SSMClient } from '@aws-sdk/client-ssm'
import { parameterStoreSigner } from '@claimgate/issuer/parameter-store'
import { describe, expect, it } from 'vitest'
import { p256Pem, rejection } from '../../support/issuer/parameter-store.ts'

type Send = (command: { readonly constructor: { readonly name: string } }, options: object) => Promise<unknown>

const NAME = '/orders/signing-key'
const UNUSABLE = `Cannot load key from parameter "${NAME}": the answer has no parameter in it`

const optionsWith = (send: Send) => ({ client: { send } as unknown as SSMClient, name: NAME })
const missing = () => Object.assign(new Error('gone'), { name: 'ParameterNotFound', $fault: 'client' })

describe('an answer of Parameter Store', () => {
  it.each<[string, object]>([
    ['no parameter', {}],
    ['an empty parameter', { Parameter: {} }],
    ['no type', { Parameter: { Value: 'secret' } }],
    ['another type', { Parameter: { Type: 'Text', Value: 'secret' } }],
    ['no value', { Parameter: { Type: 'SecureString' } }],
  ])('is refused with %s', async (_, answer) => {
    const error = await rejection(parameterStoreSigner(optionsWith(async () => answer)))
    expect(error).toMatchObject({
      name: 'ParameterStoreError',
      code: 'parameter_store_unavailable',
      message: UNUSABLE,
    })
  })

  it.each(['String', 'StringList'])('is refused with a %s', async (type) => {
    const answer = { Parameter: { Type: type, Value: p256Pem() } }
    expect(await rejection(parameterStoreSigner(optionsWith(async () => answer)))).toMatchObject({
      code: 'parameter_not_secure',
      message:
        `Cannot load key from parameter "${NAME}": it must be a SecureString, found a ${type}, which is stored in the clear. ` +
        'Delete the parameter and store a new key as SecureString: the type cannot be changed, and the old key may be known',
    })
  })

  it('is refused with a text that is no key, and the message says so once', async () => {
    const answer = { Parameter: { Type: 'SecureString', Value: 'words' } }
    expect(await rejection(parameterStoreSigner(optionsWith(async () => answer)))).toMatchObject({
      code: 'parameter_unfit',
      message: `Cannot use key of parameter "${NAME}": its text must be a private key in PEM (PKCS #8), found something else`,
    })
  })

  it('is refused with a damaged encrypted key, or one that is not encrypted, if there is a passphrase', async () => {
    const damaged = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n'
    const messages: unknown[] = []
    for (const pem of [damaged, p256Pem()]) {
      const given = optionsWith(async () => ({ Parameter: { Type: 'SecureString', Value: pem } }))
      const error = (await rejection(parameterStoreSigner({ ...given, passphrase: 'open sesame' }))) as Error
      messages.push(error.message.replace(`Cannot use key of parameter "${NAME}": `, ''))
    }
    expect(messages).toEqual([
      '"passphrase" must open the key: it is another one, the text is damaged, or OpenSSL lacks the encryption',
      'its text must be an encrypted private key in PEM, found one that is not encrypted: encrypt it, or use pemSigner',
    ])
  })
})

describe('creating the key', () => {
  it('can be aborted at each request', async () => {
    const signals: unknown[] = []
    const send: Send = async ({ constructor: { name } }, options) => {
      signals.push([name, (options as { readonly abortSignal?: unknown }).abortSignal])
      if (name === 'GetParameterCommand') throw missing()
      return { Version: 1 }
    }
    await parameterStoreSigner({ ...optionsWith(send), createIfMissing: true })
    expect(signals).toEqual([
      ['GetParameterCommand', expect.any(AbortSignal)],
      ['PutParameterCommand', expect.any(AbortSignal)],
    ])
  })

  it.each<[string, () => unknown]>([
    ['an error with the name of a refusal', () => Object.assign(new Error('x'), { name: 'ParameterAlreadyExists' })],
    ['no error', () => ({ name: 'ParameterAlreadyExists', $fault: 'client' })],
  ])('fails if the client throws %s, which is no answer of the service', async (_, thrown) => {
    let reads = 0
    const send: Send = async ({ constructor: { name } }) => {
      if (name === 'PutParameterCommand') throw thrown()
      reads += 1
      throw missing()
    }
    const error = await rejection(parameterStoreSigner({ ...optionsWith(send), createIfMissing: true }))
    expect(String(error)).toContain(`Cannot store a new key in parameter "${NAME}": `)
    expect(reads).toBe(1)
  })
})
