import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createIssuer } from '@claimgate/issuer'
import { parameterStoreKey, parameterStoreSigner, type ParameterStoreEvent } from '@claimgate/issuer/parameter-store'
import { createTestClock } from '@claimgate/testing'
import type { AwsAnswer } from '@claimgate/testing/aws'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { assertNoSecrets } from '../../support/secrets/finds.ts'
import {
  everything,
  expectNothingOf,
  fakeSsm,
  p256Pem,
  rejection,
  ssmClient,
} from '../../support/issuer/parameter-store.ts'

const NAME = '/orders/signing-key'

let printed: string
beforeEach(() => {
  printed = ''
  for (const stream of [process.stdout, process.stderr]) {
    const spy = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      printed += String(chunk)
      return true
    })
    onTestFinished(() => spy.mockRestore())
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const spy = vi.spyOn(console, method).mockImplementation((...args) => {
      printed += everything(args)
    })
    onTestFinished(() => spy.mockRestore())
  }
})

/** A client whose logger keeps everything. */
const loggingClient = (endpoint: { readonly endpoint: string }) => {
  const lines: unknown[] = []
  const log = (...args: unknown[]) => void lines.push(args)
  const logger = { trace: log, debug: log, info: log, warn: log, error: log }
  return { client: ssmClient(endpoint, { logger }), lines }
}

/** A server that answers everything with a status and a text; truncated if `promised` is longer. */
const answering = async (status: number, body: string, promised = Buffer.byteLength(body)) => {
  const server = createServer((request, response: ServerResponse) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'content-length': promised })
    response.write(body, () => response.socket?.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('the private key', () => {
  it('never appears while it is created, loaded, followed and used', async () => {
    const ssm = await fakeSsm()
    const { client, lines } = loggingClient(ssm)
    const clock = createTestClock()
    const events: ParameterStoreEvent[] = []
    const onEvent = (event: ParameterStoreEvent) => void events.push(event)
    const key = parameterStoreKey({ client, name: NAME, createIfMissing: true, ttl: 1, clock, onEvent })
    const issuer = await createIssuer({ issuer: 'https://login.example', createSigner: key.reload, clock })
    const first = ssm.parameter(NAME)?.value ?? ''
    const second = p256Pem()
    ssm.put(NAME, second)
    clock.advance(1000)
    await key.follow(issuer, { publishAhead: 0 })
    await issuer.issue({ sub: 'ada' })
    const signer = await key.signer()
    const seen = printed + everything([lines, events, signer, key, issuer, issuer.jwks()])
    expect(events).toHaveLength(2)
    expect(lines.length).toBeGreaterThanOrEqual(3)
    assertNoSecrets([printed, lines, events])
    for (const pem of [first, second]) {
      expect(pem).toContain('PRIVATE KEY')
      expectNothingOf(pem, seen)
    }
  })

  it('would be detected', () => {
    const pem = p256Pem()
    expect(() => expectNothingOf(pem, JSON.stringify({ Value: pem }))).toThrow('quotes the key')
    expect(() => expectNothingOf(pem, `"…${pem.slice(80, 89)}…"`)).toThrow('quotes the key')
  })

  const faults: readonly AwsAnswer[] = [
    { kind: 'throttle' },
    { kind: 'denied' },
    { kind: 'garbage' },
    { kind: 'truncated' },
    { kind: 'reset' },
    { kind: 'hang' },
    { kind: 'error', type: 'InvalidKeyId' },
    { kind: 'error', type: 'InternalServerError', status: 500 },
    { kind: 'error', type: 'ParameterLimitExceeded' },
  ]
  it.each(faults)('is in no error if storing it fails with $kind $type', async (fault) => {
    const ssm = await fakeSsm()
    ssm.at('PutParameter').behave(fault)
    const options = {
      client: ssmClient(ssm),
      name: NAME,
      createIfMissing: true,
      timeout: fault.kind === 'hang' ? 0.2 : 20,
    }
    const error = await rejection(parameterStoreSigner(options))
    const pem = String(ssm.calls().find(({ operation }) => operation === 'PutParameter')?.input['Value'])
    expect(pem).toContain('PRIVATE KEY')
    expectNothingOf(pem, printed + everything(error))
  })

  it('is in no error if the refusal to store it quotes it', async () => {
    const ssm = await fakeSsm()
    const client = ssmClient(ssm)
    let pem = ''
    client.middlewareStack.add(
      (next) => (args) => {
        const { Value } = args.input as { readonly Value?: string }
        if (Value !== undefined) {
          pem = Value
          ssm.once({ kind: 'error', type: 'ValidationException', message: `Value '${pem}' at 'value' must be shorter` })
        }
        return next(args)
      },
      { step: 'initialize' },
    )
    const error = await rejection(parameterStoreSigner({ client, name: NAME, createIfMissing: true }))
    expect(error).toMatchObject({ code: 'parameter_store_refused', cause: { name: 'ValidationException' } })
    expect(pem).toContain('PRIVATE KEY')
    expectNothingOf(pem, printed + everything(error))
  })

  const answer = (pem: string) =>
    JSON.stringify({ Parameter: { Name: NAME, Type: 'SecureString', Value: pem, Version: 1 } })
  const broken: readonly (readonly [string, (pem: string) => Parameters<typeof answering>])[] = [
    ['is truncated', (pem) => [200, answer(pem).slice(0, 180)]],
    ['ends early', (pem) => [200, answer(pem).slice(0, 180), 400]],
    ['is not JSON', (pem) => [200, answer(pem).replaceAll(String.raw`\n`, '\n')]],
    ['is a piece of the key, which parsers quote', (pem) => [200, `x${pem.slice(70, 92)}`]],
    ['is only the key', (pem) => [200, pem]],
    ['has the status of an error', (pem) => [500, JSON.stringify({ __type: 'Oops', message: pem })]],
    ['has the status of a refusal', (pem) => [400, JSON.stringify({ __type: 'ValidationException', message: pem })]],
    ['is a truncated key', (pem) => [200, answer(pem.slice(0, 150))]],
    ['is a key without its first line', (pem) => [200, answer(pem.slice(28))]],
    ['is a key with an extra character', (pem) => [200, answer(pem.replace('MIGH', 'MIGHa'))]],
    ['is not marked as a SecureString', (pem) => [200, answer(pem).replace('SecureString', 'String')]],
    ['is marked with the key', (pem) => [200, answer(pem).replace('SecureString', pem.slice(30, 60))]],
  ]
  it.each(broken)('is in no error if the answer %s', async (_name, script) => {
    const pem = p256Pem()
    const client = ssmClient(await answering(...script(pem)))
    const error = await rejection(parameterStoreSigner({ client, name: NAME }))
    expect(error).toHaveProperty('code')
    expectNothingOf(pem, printed + everything(error))
  })
})
