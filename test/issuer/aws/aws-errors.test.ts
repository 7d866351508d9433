// What an error of AWS becomes, and what is left of it: the texts and responses of an SDK may lead to secrets.
import { describe, expect, it } from 'vitest'
import {
  fromAwsError,
  KMS,
  KmsError,
  PARAMETER_STORE,
  ParameterStoreError,
  passesByItself,
} from '../../../packages/issuer/src/aws/aws-errors.ts'
import { requestAws, requestTimeout } from '../../../packages/issuer/src/aws/aws-request.ts'

const SECRET = 'text that quotes a secret'
const errorWith = (members: object = {}, name = 'Error'): Error =>
  Object.assign(new Error(SECRET), { name, ...members })

/** The code, the end of the message, and the name and the text of the cause. */
function translated(service: typeof KMS | typeof PARAMETER_STORE, error: unknown): readonly unknown[] {
  const made = fromAwsError(service as typeof KMS, 'sign', error)
  const { name, message } = made.cause as Error
  return [made.code, made.message.replace('Cannot sign: ', ''), name, message]
}

const LEFT_OUT = 'its text is left out, since it may quote the answer'
const UNUSABLE = 'KMS must give a usable answer, found '

describe('an error of AWS', () => {
  it.each<readonly [string, unknown, readonly unknown[]]>([
    [
      'of the service',
      errorWith({ $fault: 'client' }, 'DisabledException'),
      ['kms_key_disabled', 'the key must be enabled, found DisabledException', 'DisabledException', SECRET],
    ],
    [
      'that blames the client',
      errorWith({ $fault: 'client' }, 'New'),
      ['kms_refused', 'KMS must accept the request, found New', 'New', SECRET],
    ],
    [
      'that blames the server',
      errorWith({ $fault: 'server' }, 'New'),
      ['kms_unavailable', `${UNUSABLE}New`, 'New', SECRET],
    ],
    [
      'of the SDK',
      errorWith({}, 'SyntaxError'),
      ['kms_unavailable', `${UNUSABLE}SyntaxError`, 'SyntaxError', LEFT_OUT],
    ],
    [
      'of a socket',
      errorWith({ syscall: 'connect', code: 'ECONNREFUSED' }),
      ['kms_unavailable', `${UNUSABLE}ECONNREFUSED`, 'Error', SECRET],
    ],
    [
      'of a socket without a code',
      errorWith({ syscall: 'connect' }, 'Own'),
      ['kms_unavailable', `${UNUSABLE}Own`, 'Own', SECRET],
    ],
    [
      'with a code, of no socket',
      errorWith({ code: 'ECONNREFUSED' }),
      ['kms_unavailable', `${UNUSABLE}Error`, 'Error', LEFT_OUT],
    ],
    [
      'with a name that is a sentence',
      errorWith({}, 'a b'),
      ['kms_unavailable', `${UNUSABLE}an error`, 'an error', LEFT_OUT],
    ],
    ['with an empty name', errorWith({}, ''), ['kms_unavailable', `${UNUSABLE}an error`, 'an error', LEFT_OUT]],
    [
      'with a long name',
      errorWith({}, 'a'.repeat(81)),
      ['kms_unavailable', `${UNUSABLE}an error`, 'an error', LEFT_OUT],
    ],
    [
      'with a name at the limit',
      errorWith({}, 'a'.repeat(80)),
      ['kms_unavailable', `${UNUSABLE}${'a'.repeat(80)}`, 'a'.repeat(80), LEFT_OUT],
    ],
    [
      'with a name that is a number',
      errorWith({ name: 5 }),
      ['kms_unavailable', `${UNUSABLE}an error`, 'an error', LEFT_OUT],
    ],
    ['that is a text', SECRET, ['kms_unavailable', `${UNUSABLE}string`, 'string', LEFT_OUT]],
    [
      'that is an object',
      { $fault: 'client', name: 'DisabledException' },
      ['kms_unavailable', `${UNUSABLE}object`, 'object', LEFT_OUT],
    ],
    ['that is nothing', undefined, ['kms_unavailable', `${UNUSABLE}undefined`, 'undefined', LEFT_OUT]],
    ['that is null', null, ['kms_unavailable', `${UNUSABLE}object`, 'object', LEFT_OUT]],
    [
      'with a status and a request',
      errorWith({ $metadata: { httpStatusCode: 502, requestId: 'a-1' } }),
      ['kms_unavailable', `${UNUSABLE}Error`, 'Error', `${LEFT_OUT}; HTTP status 502; request ID a-1`],
    ],
    [
      'with a status alone',
      errorWith({ $metadata: { httpStatusCode: 502, requestId: 'a b' } }),
      ['kms_unavailable', `${UNUSABLE}Error`, 'Error', `${LEFT_OUT}; HTTP status 502`],
    ],
    [
      'with a request alone',
      errorWith({ $metadata: { httpStatusCode: '502', requestId: 'a' } }),
      ['kms_unavailable', `${UNUSABLE}Error`, 'Error', `${LEFT_OUT}; request ID a`],
    ],
    [
      'with a long request',
      errorWith({ $metadata: { requestId: 'a'.repeat(81) } }),
      ['kms_unavailable', `${UNUSABLE}Error`, 'Error', LEFT_OUT],
    ],
    [
      'with a request that is a number',
      errorWith({ $metadata: { requestId: 5 } }),
      ['kms_unavailable', `${UNUSABLE}Error`, 'Error', LEFT_OUT],
    ],
    ['without metadata', errorWith({ $metadata: null }), ['kms_unavailable', `${UNUSABLE}Error`, 'Error', LEFT_OUT]],
    [
      'of the other service',
      errorWith({ $fault: 'client' }, 'ParameterNotFound'),
      ['kms_refused', 'KMS must accept the request, found ParameterNotFound', 'ParameterNotFound', SECRET],
    ],
  ])('%s says what to do, without its text if that could be anything', (_, error, expected) => {
    expect(translated(KMS, error)).toEqual(expected)
  })

  it.each<readonly [string, object, string, string, boolean]>([
    ['ParameterNotFound', { $fault: 'client' }, 'parameter_not_found', SECRET, false],
    ['InternalServerError', { $fault: 'server' }, 'parameter_store_unavailable', SECRET, true],
    ['ThrottlingException', { $fault: 'client' }, 'parameter_store_throttled', SECRET, true],
    ['TimeoutError', {}, 'parameter_store_timeout', SECRET, true],
    ['AccessDeniedException', { $fault: 'client' }, 'parameter_store_denied', SECRET, false],
    ['InvalidKeyId', { $fault: 'client' }, 'parameter_key_unusable', SECRET, false],
    [
      'ValidationException',
      { $fault: 'client' },
      'parameter_store_refused',
      LEFT_OUT.replace('answer', 'parameter'),
      false,
    ],
    [
      'DisabledException',
      { $fault: 'client' },
      'parameter_store_refused',
      LEFT_OUT.replace('answer', 'parameter'),
      false,
    ],
  ])('of Parameter Store called %s may be repeated only if it is known', (name, members, code, text, passes) => {
    const error = fromAwsError(PARAMETER_STORE, 'load', errorWith(members, name))
    expect([error.code, (error.cause as Error).message]).toEqual([code, text])
    expect(error).toBeInstanceOf(ParameterStoreError)
    expect([error.name, passesByItself(error as ParameterStoreError)]).toEqual(['ParameterStoreError', passes])
  })

  it('says which permissions are missing', () => {
    const denied = errorWith({ $fault: 'client' }, 'AccessDeniedException')
    expect(fromAwsError(KMS, 'sign', denied).message).toBe(
      'Cannot sign: the credentials must allow kms:GetPublicKey and kms:Sign for the key, found AccessDeniedException',
    )
    expect(fromAwsError(PARAMETER_STORE, 'load', denied).message).toBe(
      'Cannot load: the credentials must allow ssm:GetParameter, ssm:PutParameter to create it, and kms:Decrypt for the key that encrypts it, found AccessDeniedException',
    )
  })

  it('is kept without the response of the SDK', () => {
    class ServiceError extends Error {
      readonly $fault = 'client'
    }
    const error = Object.assign(new ServiceError(SECRET), { name: 'DisabledException', extra: 1 })
    expect(fromAwsError(KMS, 'sign', error).cause).toBe(error)
    Object.defineProperty(error, '$response', { value: { socket: 'secret' } })
    Object.defineProperty(error, '$responseBodyText', { value: 'secret' })
    const cause = fromAwsError(KMS, 'sign', error).cause as typeof error
    expect(cause).toBeInstanceOf(ServiceError)
    expect([cause.message, cause.name, cause.extra, cause.$fault]).toEqual([SECRET, 'DisabledException', 1, 'client'])
    expect(cause.stack).toBe(error.stack)
    for (const name of ['$response', '$responseBodyText']) expect(Object.hasOwn(cause, name)).toBe(false)
    Object.defineProperty(error, 'stack', { value: undefined })
    expect((fromAwsError(KMS, 'sign', error).cause as Error).stack).toBeTypeOf('string')
  })

  it('has no cause if there is none', () => {
    expect(new KmsError('kms_denied', 'a')).not.toHaveProperty('cause')
    expect(new KmsError('kms_denied', 'a', 0)).toMatchObject({ cause: 0, name: 'KmsError', code: 'kms_denied' })
  })
})

describe('a request to AWS', () => {
  it.each([
    [0.01, true],
    [60, true],
    [0.009, false],
    [60.1, false],
    ['5', false],
    [Number.NaN, false],
  ])('may take %s seconds: %s', (seconds, isRight) => {
    expect(requestTimeout.accepts(seconds)).toBe(isRight)
    expect(requestTimeout.must).toBe('be a number of seconds from 0.01 to 60')
  })

  it('gives the answer, or the error of the service', async () => {
    const parts = { action: 'sign', timeout: 5 }
    expect(await requestAws(KMS, parts, async ({ aborted }) => aborted)).toBe(false)
    const sent = requestAws(KMS, parts, async () => {
      throw errorWith({ $fault: 'client' }, 'DisabledException')
    })
    await expect(sent).rejects.toThrow('Cannot sign: the key must be enabled, found DisabledException')
  })

  it('ends when its time is up, whether the client obeys its signal or not', async () => {
    const obeying = async (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      })
    for (const send of [obeying, async () => new Promise<never>(() => {})])
      await expect(requestAws(KMS, { action: 'sign', timeout: 0.01 }, send)).rejects.toMatchObject({
        code: 'kms_timeout',
        message: 'Cannot sign: KMS must answer in time ("timeout"), found TimeoutError',
        cause: { name: 'TimeoutError', message: 'No answer within 10 ms' },
      })
  })
})
