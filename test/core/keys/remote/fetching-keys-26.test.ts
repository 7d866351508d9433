import { hostname } from 'node:os'
import type { LookupFunction } from 'node:net'

import { createVerifier } from '@claimgate/core'
import { remoteKeySet } from '@claimgate/core/extend'
import { PrivateAddressError, undiciFetch } from '@claimgate/core/node'
import {
  createTestKeys,
  startFaultyJwksServer,
  startTestIssuer,
  validCertificate,
  type FaultyJwksServer,
} from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { verdict } from '../../../support/resilience/verdict.ts'
import { causeOf, startWorld } from '../../../support/resilience/world.ts'

const { publicJwk } = await createTestKeys('ES256', { kid: 'a' })
let target: FaultyJwksServer
beforeAll(async () => {
  target = await startFaultyJwksServer({ jwks: { keys: [publicJwk] } })
})
afterAll(async () => target.close())

describe('section D: redirects', () => {
  it.each([301, 302, 303, 307, 308] as const)(
    '26. a %d is a failure, and its target receives no connection',
    async (status) => {
      target.forget()
      const world = await startWorld()
      await world.server.behave({ kind: 'redirect', status, location: target.url })
      expect(await world.ask('a')).toBe('503 keys_unavailable')
      expect(await world.whyNot()).toBe('redirect')
      await world.server.behave({ kind: 'redirect', status, location: '/elsewhere' })
      world.clock.pass(120)
      expect(await world.ask('a')).toBe('503 keys_unavailable')
      expect(world.server.stats().requests.map(({ path }) => path)).toEqual(['/jwks.json', '/jwks.json'])
      expect(target.stats().connections).toBe(0)
      await world.close()
    },
  )

  it("26. also if the metadata is redirected, and with the runtime's fetch", async () => {
    target.forget()
    const { issuer, server, close } = await startTestIssuer({ audience: 'api' })
    for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])
      server.at(path).behave({ kind: 'redirect', location: target.urlOf(path) })
    const token = await issuer.issue({ sub: 'someone' })
    for (const options of [{}, { fetch: globalThis.fetch }]) {
      const verifier = createVerifier({ issuer: issuer.issuer, audience: 'api', ...options })
      expect(await verdict(verifier.verify(token))).toBe('503 keys_unavailable')
    }
    expect(target.stats().connections).toBe(0)
    await close()
  })
})

describe('section D: the connection guard', () => {
  const get = async (url: string, lookup?: LookupFunction): Promise<Response> =>
    undiciFetch({ refusePrivateAddresses: true, ...(lookup && { lookup }) })(url, {
      method: 'GET',
      headers: {},
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    })
  const resolvesTo =
    (...addresses: readonly string[]): LookupFunction =>
    (_name, { all }, callback) => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      if (all) callback(null, found)
      else callback(null, found[0]?.address ?? '', found[0]?.family)
    }

  it('26. without it this machine is reached: the tests below would detect a connection', async () => {
    target.forget()
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal: AbortSignal.timeout(10_000) } as const
    expect((await undiciFetch()(target.url, init)).status).toBe(200)
    const named = undiciFetch({ lookup: resolvesTo('127.0.0.1') })
    expect((await named(target.url.replace('127.0.0.1', 'public.example'), init)).status).toBe(200)
    expect(target.stats().connections).toBe(2)
  })

  it.each([
    // Dotted, short, decimal, hexadecimal and octal spellings of 127.0.0.1.
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0x0.0x0.0x1',
    '0x7F.1',
    '017700000001',
    '0177.0.0.01',
    '0177.1',
    '127.0.0.0x1',
    '%31%32%37.%30.0.1',
    '１２７.０.０.１',
    '127。0。0。1',
    '①②⑦.0.0.1',
    '127.255.255.254',
    // This host, this network.
    '0.0.0.0',
    '0',
    '0x0',
    '0.1',
    // Private, shared, link-local: where clouds keep their metadata.
    '10.0.0.1',
    '10.1',
    '172.16.0.1',
    '192.168.1.1',
    '3232235777',
    '100.64.0.1',
    '169.254.169.254',
    '0xa9fea9fe',
    '2852039166',
    '255.255.255.255',
    '224.0.0.1',
    // IPv6: loopback, unspecified, v4 in v6, unique local, link-local, site-local, multicast, translated.
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:FFFF:7F00:0001]',
    '[::ffff:169.254.169.254]',
    '[::ffff:10.0.0.1]',
    '[::127.0.0.1]',
    '[::7f00:1]',
    '[fc00::1]',
    '[fd12:3456:789a::1]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[febf::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001::1]',
  ])('26. refuses the address %s in any spelling', async (host) => {
    target.forget()
    await expect(get(`http://${host}:${target.port}/`)).rejects.toBeInstanceOf(PrivateAddressError)
    expect(target.stats().connections).toBe(0)
  })

  it.each(['localhost', 'localhost.', 'LOCALHOST', 'api.localhost', hostname()])(
    '26. refuses the name %s of this machine',
    async (host) => {
      target.forget()
      // If the name is not known, there is nothing to refuse.
      await expect(get(`http://${host}:${target.port}/`)).rejects.toMatchObject({
        code: expect.stringMatching(/^(ERR_PRIVATE_ADDRESS|ENOTFOUND|EAI_AGAIN)$/) as string,
      })
      expect(target.stats().connections).toBe(0)
    },
  )

  it.each([
    [['127.0.0.1']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['169.254.169.254']],
    [['fe80::1%eth0']],
    [['0.0.0.0']],
    // One private address among public ones is enough, in any position.
    [['93.184.215.14', '127.0.0.1']],
    [['127.0.0.1', '93.184.215.14']],
    [['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::1']],
    [['not an address']],
    [[]],
  ])('26. refuses a public name that resolves to %j', async (addresses) => {
    target.forget()
    await expect(get(`http://public.example:${target.port}/`, resolvesTo(...addresses))).rejects.toBeInstanceOf(
      PrivateAddressError,
    )
    expect(target.stats().connections).toBe(0)
  })

  it('26. connects to the checked address: a name that changes in between has no effect', async () => {
    target.forget()
    const asked: string[] = []
    // The first answer is public and refuses connections; every later one would be this machine.
    const rebinding: LookupFunction = (name, options, callback) => {
      asked.push(name)
      resolvesTo(asked.length === 1 ? '198.41.0.4' : '127.0.0.1')(name, options, callback)
    }
    const fetch = undiciFetch({ refusePrivateAddresses: true, lookup: rebinding })
    const init = { method: 'GET', headers: {}, redirect: 'manual' } as const
    const url = `https://rebinding.example:${target.port}/`
    await expect(fetch(url, { ...init, signal: AbortSignal.timeout(300) })).rejects.not.toBeInstanceOf(
      PrivateAddressError,
    )
    expect(asked).toHaveLength(1)
    for (let again = 0; again < 3; again += 1)
      await expect(fetch(url, { ...init, signal: AbortSignal.timeout(5000) })).rejects.toBeInstanceOf(
        PrivateAddressError,
      )
    expect(target.stats().connections).toBe(0)
  })

  it('26. protects a key set from a private address of its name', async () => {
    const server = await startFaultyJwksServer({ jwks: { keys: [publicJwk] }, certificate: validCertificate })
    const lookup = resolvesTo('127.0.0.1')
    const ask = async (refusePrivateAddresses: boolean): Promise<unknown> =>
      remoteKeySet(server.url.replace('127.0.0.1', 'keys.example'), {
        fetch: undiciFetch({ refusePrivateAddresses, lookup }),
      })
        .ready()
        .catch((error: unknown) => causeOf(error).cause)
    expect(await ask(true)).toBeInstanceOf(PrivateAddressError)
    expect(server.stats().connections).toBe(0)
    // The control: without the guard the connection is made, and fails only because of its certificate.
    expect(await ask(false)).not.toBeInstanceOf(PrivateAddressError)
    expect(server.stats().connections).toBeGreaterThan(0)
    await server.close()
  })

  it('26. protects discovery from metadata that points inside', async () => {
    target.forget()
    const verifier = createVerifier({
      issuer: target.origin,
      audience: 'api',
      fetch: undiciFetch({ refusePrivateAddresses: true }),
    })
    await expect(verifier.ready()).rejects.toMatchObject({ status: 503 })
    expect(target.stats().connections).toBe(0)
  })
})
