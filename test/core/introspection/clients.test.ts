import { clientSecretBasic, clientSecretPost, privateKeyJwt, tlsClient } from '@claimgate/core/introspection'
import { createTestKeys } from '@claimgate/testing'
import { decodeJwt, decodeProtectedHeader, exportJWK, exportPKCS8 } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const REQUEST = {
  issuer: 'https://auth.example.com',
  endpoint: 'https://auth.example.com/introspect',
  now: 1_700_000_000.9,
}
const keys = await createTestKeys('ES256', { kid: 'a' })
const jwk = { ...(await exportJWK(keys.privateKey)), alg: 'ES256', kid: 'a' }
const pem = await exportPKCS8(keys.privateKey)

describe('43. A client of the endpoint', () => {
  it.each<readonly [string, () => unknown, string]>([
    [
      'an ID that is empty, with Basic',
      () => clientSecretBasic('', 's'),
      'the client ID must be a string, found an empty one',
    ],
    [
      'no secret, with Basic',
      () => clientSecretBasic('api', undefined as never),
      'the client secret must be a string, found undefined',
    ],
    ['an ID that is empty', () => clientSecretPost('', 's'), 'the client ID must be a string, found an empty one'],
    [
      'a secret that is empty',
      () => clientSecretPost('api', ''),
      'the client secret must be a string, found an empty one',
    ],
    [
      'a secret that is a number',
      () => clientSecretPost('api', 1 as never),
      'the client secret must be a string, found a number',
    ],
    ['an ID that is empty, with TLS', () => tlsClient(''), 'the client ID must be a string, found an empty one'],
    [
      'an ID that is empty, with a key',
      () => privateKeyJwt('', jwk),
      'the client ID must be a string, found an empty one',
    ],
    [
      'no key',
      () => privateKeyJwt('api', undefined as never),
      'the key must be a private JWK, a PKCS#8 PEM or a signer, found undefined',
    ],
    [
      'a number as key',
      () => privateKeyJwt('api', 1 as never),
      'the key must be a private JWK, a PKCS#8 PEM or a signer, found a number',
    ],
    ['a PEM without alg', () => privateKeyJwt('api', pem), 'give "alg", because the key has none'],
    [
      'a JWK without alg',
      () => privateKeyJwt('api', { ...jwk, alg: undefined } as never),
      'give "alg", because the key has none',
    ],
    ['a public key', () => privateKeyJwt('api', { ...keys.publicJwk, alg: 'ES256' }), 'the key must be private'],
    ['an alg that is empty', () => privateKeyJwt('api', jwk, { alg: '' }), '"alg" must be a string, found ""'],
    ['a kid that is a number', () => privateKeyJwt('api', jwk, { kid: 1 as never }), '"kid" must be a string, found 1'],
    ['a lifetime of 301 s', () => privateKeyJwt('api', jwk, { lifetime: 301 }), '"lifetime" must be'],
    ['an unknown option', () => privateKeyJwt('api', jwk, { life: 1 } as never), 'there is no option "life"'],
  ])('is not made of %s', (_, make, message) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`Cannot authenticate client: ${message}`)
  })

  it.each([
    ['a space', 'a b', 's', 'a+b:s'],
    ['a colon and a percent sign', 'a:b', '100%', 'a%3Ab:100%25'],
    ['other letters', 'ä', 'ß', '%C3%A4:%C3%9F'],
  ])('sends an ID and a secret with %s, each encoded', async (_, id, secret, sent) => {
    const { headers, form } = await clientSecretBasic(id, secret).authenticate(REQUEST)
    expect([headers, form]).toEqual([{ authorization: `Basic ${btoa(sent)}` }, undefined])
  })

  it('sends what belongs to its kind, and is frozen', async () => {
    const [post, tls] = [clientSecretPost('api', 's'), tlsClient('api')]
    expect(await post.authenticate(REQUEST)).toEqual({ form: { client_id: 'api', client_secret: 's' } })
    expect(await tls.authenticate(REQUEST)).toEqual({ form: { client_id: 'api' } })
    expect([post.clientId, Object.isFrozen(post), Object.isFrozen(tls)]).toEqual(['api', true, true])
  })
})

describe('43. An assertion of a client', () => {
  const sent = async (...given: Parameters<typeof privateKeyJwt>) => {
    const { form = {} } = await privateKeyJwt(...given).authenticate(REQUEST)
    const { client_assertion = '' } = form
    return { form, header: decodeProtectedHeader(client_assertion), claims: decodeJwt(client_assertion) }
  }

  it('is by default for the issuer, for a minute', async () => {
    const { form, header, claims } = await sent('api', jwk)
    expect(form).toMatchObject({
      client_id: 'api',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    expect(header).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'a' })
    expect(claims).toEqual({
      iss: 'api',
      sub: 'api',
      aud: REQUEST.issuer,
      jti: expect.any(String),
      iat: 1_700_000_000,
      exp: 1_700_000_060,
    })
  })

  it('has the options', async () => {
    const { header, claims } = await sent('api', pem, { alg: 'ES256', kid: 'b', audience: 'x', lifetime: 300 })
    expect(header).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'b' })
    expect([claims.aud, claims.exp]).toEqual(['x', 1_700_000_300])
  })

  it('has no kid, if the key has none', async () => {
    expect((await sent('api', pem, { alg: 'ES256' })).header).toEqual({ alg: 'ES256', typ: 'JWT' })
  })

  it('is for the endpoint, if there is no issuer', async () => {
    const { form = {} } = await privateKeyJwt('api', jwk).authenticate({ ...REQUEST, issuer: null })
    expect(decodeJwt(form['client_assertion'] ?? '').aud).toBe(REQUEST.endpoint)
  })

  it('is a new one for each request, whatever the caller does to its key later', async () => {
    const mine = { ...jwk }
    const client = privateKeyJwt('api', mine)
    mine.d = 'changed'
    const [one, two] = [await client.authenticate(REQUEST), await client.authenticate(REQUEST)]
    const [a, b] = [one, two].map(({ form = {} }) => decodeJwt(form['client_assertion'] ?? '').jti)
    expect(a).not.toBe(b)
  })

  it('is signed with a key that is imported once, and for which no request waits for another one', async () => {
    const importKey = vi.spyOn(crypto.subtle, 'importKey')
    onTestFinished(() => importKey.mockRestore())
    const client = privateKeyJwt('api', jwk)
    // The import of the first request never ends, as in a worker whose request has been cancelled.
    importKey.mockImplementationOnce(() => new Promise<never>(() => {}))
    void client.authenticate(REQUEST)
    await client.authenticate(REQUEST)
    await client.authenticate(REQUEST)
    expect(importKey).toHaveBeenCalledTimes(2)
  })

  it('of a signer has the signature of its bytes', async () => {
    const inputs: string[] = []
    const sign = async (input: Uint8Array) => {
      inputs.push(new TextDecoder().decode(input))
      return Uint8Array.of(1, 2, 3)
    }
    const { form, header } = await sent('api', { alg: 'ES256', sign })
    expect(header).toEqual({ alg: 'ES256', typ: 'JWT' })
    expect(form['client_assertion']).toBe(`${inputs[0]}.AQID`)
  })
})
