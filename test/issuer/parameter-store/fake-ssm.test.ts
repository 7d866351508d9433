import { GetParameterCommand, ListTagsForResourceCommand, PutParameterCommand } from '@aws-sdk/client-ssm'
import { describe, expect, it } from 'vitest'
import { fakeSsm, rejection, ssmClient } from '../../support/issuer/parameter-store.ts'

describe('startFakeSsm', () => {
  it('decrypts a SecureString only on request', async () => {
    const ssm = await fakeSsm({ parameters: { '/a': 'secret', '/b': { type: 'String', value: 'open' } } })
    const client = ssmClient(ssm)
    const get = async (Name: string, WithDecryption?: boolean) =>
      (await client.send(new GetParameterCommand({ Name, WithDecryption }))).Parameter
    expect(await get('/a', true)).toMatchObject({ Name: '/a', Type: 'SecureString', Value: 'secret', Version: 1 })
    expect((await get('/a'))?.Value).not.toContain('secret')
    expect(await get('/b')).toMatchObject({ Type: 'String', Value: 'open' })
    expect((await get('/a', true))?.LastModifiedDate).toBeInstanceOf(Date)
    const arn = (await get('/a'))?.ARN ?? ''
    expect(await get(`${arn}:1`, true)).toMatchObject({ Value: 'secret', Selector: ':1' })
  })

  it('keeps versions, and overwrites only if requested', async () => {
    const ssm = await fakeSsm()
    const client = ssmClient(ssm)
    const put = (Value: string, Overwrite?: boolean) =>
      client.send(new PutParameterCommand({ Name: '/a', Value, Type: 'SecureString', Overwrite }))
    expect((await put('one')).Version).toBe(1)
    expect(await rejection(put('two'))).toMatchObject({ name: 'ParameterAlreadyExists' })
    expect((await put('two', true)).Version).toBe(2)
    const get = (Name: string) => client.send(new GetParameterCommand({ Name, WithDecryption: true }))
    expect((await get('/a')).Parameter?.Value).toBe('two')
    expect((await get('/a:1')).Parameter?.Value).toBe('one')
    expect(await rejection(get('/a:3'))).toMatchObject({ name: 'ParameterVersionNotFound' })
    expect(ssm.parameter('/a')).toEqual({ type: 'SecureString', value: 'two', version: 2 })
    ssm.remove('/a')
    expect(await rejection(get('/a'))).toMatchObject({ name: 'ParameterNotFound' })
    expect(ssm.parameter('/a')).toBeUndefined()
  })

  it('finds versions by labels, which can be moved', async () => {
    const ssm = await fakeSsm({ parameters: { '/a': 'one' } })
    const client = ssmClient(ssm)
    const get = async (Name: string) =>
      (await client.send(new GetParameterCommand({ Name, WithDecryption: true }))).Parameter?.Value
    expect(await rejection(get('/a:current'))).toMatchObject({ name: 'ParameterVersionNotFound' })
    ssm.label('/a', 'current', 1)
    ssm.put('/a', 'two')
    expect(await get('/a:current')).toBe('one')
    ssm.label('/a', 'current', 2)
    expect(await get('/a:current')).toBe('two')
    expect(() => ssm.label('/a', 'next', 3)).toThrow(RangeError)
    ssm.remove('/a')
    ssm.put('/a', 'three')
    expect(await rejection(get('/a:current'))).toMatchObject({ name: 'ParameterVersionNotFound' })
  })

  it.each([
    ['a name with a space', { Name: 'a b', Value: 'x', Type: 'String' }],
    ['an empty value', { Name: '/a', Value: '', Type: 'String' }],
    ['no type', { Name: '/a', Value: 'x' }],
    ['more than 4 KB', { Name: '/a', Value: 'x'.repeat(4097), Type: 'String' }],
  ] as const)('refuses to store %s', async (_name, input) => {
    const ssm = await fakeSsm()
    const error = await rejection(ssmClient(ssm).send(new PutParameterCommand(input)))
    expect(error).toMatchObject({ name: 'ValidationException' })
    expect(ssm.parameter(input.Name)).toBeUndefined()
  })

  it('counts requests, and fails one operation as configured', async () => {
    const ssm = await fakeSsm({ parameters: { '/a': 'secret' } })
    const client = ssmClient(ssm)
    ssm.at('GetParameter').once({ kind: 'throttle' }, { kind: 'denied' })
    const get = () => client.send(new GetParameterCommand({ Name: '/a' }))
    expect(await rejection(get())).toMatchObject({ name: 'ThrottlingException' })
    expect(await rejection(get())).toMatchObject({ name: 'AccessDeniedException' })
    await get()
    expect([ssm.requests('GetParameter'), ssm.requests('PutParameter')]).toEqual([3, 0])
  })

  it('rejects unknown operations', async () => {
    const ssm = await fakeSsm()
    const list = new ListTagsForResourceCommand({ ResourceType: 'Parameter', ResourceId: '/a' })
    expect(await rejection(ssmClient(ssm).send(list))).toMatchObject({ name: 'UnknownOperationException' })
  })
})
