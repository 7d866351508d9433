import { runInNewContext } from 'node:vm'
import { exportSPKI, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../packages/core/src/authorization/requirements.ts'
import { accessClaims, AUDIENCE, createSigningKey, ISSUER, NOW } from '../../support/core/jose-tokens.ts'
import { firstOf } from '../../../packages/core/src/keys/first-of.ts'
import type { IssuerPolicy } from '../../../packages/core/src/pipeline/options.ts'
import { createVerifier } from '../../../packages/core/src/pipeline/verifier.ts'
import { isUnchanged, snapshotOf } from '../../../packages/core/src/pipeline/policy-snapshot.ts'

const key = await createSigningKey('ES256', 'key-1')
const other = await createSigningKey('ES256', 'key-1')
const clock = { now: (): number => NOW * 1000 }
const encoder = new TextEncoder()

const signedWith = (secret: Uint8Array): Promise<string> =>
  new SignJWT(accessClaims()).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(secret)

const pemOf = async (publicKey: CryptoKey): Promise<Buffer> => Buffer.from(await exportSPKI(publicKey))

class Jwks {
  keys: object[] = [...key.jwks.keys]
  readonly self = this
}

describe('the policy that a function of issuers returns, changed in place', () => {
  const verifierOf = (policy: object) => {
    const fetched: string[] = []
    const fetch = async (url: string): Promise<Response> => {
      fetched.push(url)
      return Response.json(url.endsWith('/new') ? other.jwks : key.jwks)
    }
    const options = { issuer: ISSUER, audience: AUDIENCE, ...policy } as IssuerPolicy
    return { verifier: createVerifier({ issuers: async () => options, clock, fetch }), fetched }
  }

  const bytes = (text: string): Uint8Array => encoder.encode(text.repeat(32))
  it.each<[string, (secret: Uint8Array) => object]>([
    ['the bytes of "secret"', (secret) => ({ secret })],
    ['a Buffer in "secret"', ({ buffer }) => ({ secret: Buffer.from(buffer) })],
    ['a view of a part', ({ buffer }) => ({ secret: new Uint8Array(buffer, 0, 32) })],
    ['a DataView', ({ buffer }) => ({ secret: new DataView(buffer) })],
    [
      'the bytes in firstOf',
      (secret) => ({ algorithms: ['HS256', 'ES256'], keys: firstOf({ secret }, { jwks: key.jwks }) }),
    ],
  ])('is detected in %s: tokens of the old secret are refused, cached or not', async (_, policyOf) => {
    const secret = Uint8Array.from(bytes('a'))
    const { verifier } = verifierOf(policyOf(secret))
    const [before, after] = [await signedWith(bytes('a')), await signedWith(bytes('b'))]
    await verifier.verify(before)
    await verifier.verify(before)
    secret.set(bytes('b'))
    await expect(verifier.verify(before)).rejects.toMatchObject({ code: 'signature_invalid' })
    await verifier.verify(after)
  })

  it('is detected in the bytes of "publicKey"', async () => {
    const pem = await pemOf(key.publicKey)
    const { verifier } = verifierOf({ publicKey: pem })
    const token = await key.sign(accessClaims())
    await verifier.verify(token)
    pem.set(await pemOf(other.publicKey))
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'signature_invalid' })
    await verifier.verify(await other.sign(accessClaims()))
  })

  it('is detected in the URL of "jwksUri"', async () => {
    const jwksUri = new URL('https://keys.example/old')
    const { verifier, fetched } = verifierOf({ jwksUri })
    const token = await key.sign(accessClaims())
    await verifier.verify(token)
    jwksUri.pathname = '/new'
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'signature_invalid' })
    await verifier.verify(await other.sign(accessClaims()))
    expect(new Set(fetched)).toEqual(new Set(['https://keys.example/old', 'https://keys.example/new']))
  })

  it.each<[string, { keys: object[] }]>([
    ['an instance of a class', new Jwks()],
    ['an object of another realm', Object.assign(runInNewContext('({})') as object, { keys: [...key.jwks.keys] })],
  ])('is detected in the "jwks" of %s', async (_, jwks) => {
    const { verifier } = verifierOf({ jwks })
    const token = await key.sign(accessClaims())
    await verifier.verify(token)
    jwks.keys.splice(0, 1, ...other.jwks.keys)
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'signature_invalid' })
  })

  it('is detected if a restricting option is now undefined, which is a mistake', async () => {
    const policy: Record<string, unknown> = { jwks: key.jwks }
    const options = { issuer: ISSUER, audience: AUDIENCE, ...policy }
    const verifier = createVerifier({ issuers: async () => options as IssuerPolicy, clock })
    const token = await key.sign(accessClaims())
    await verifier.verify(token)
    Object.assign(options, { clientId: undefined })
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'issuer_unavailable', status: 503 })
  })
})

describe('a snapshot of a policy', () => {
  const predicate = (): boolean => true
  const resolve = async () => key.publicKey
  const opaque = { resolve }
  class Source {
    readonly resolve = resolve
  }
  const shared = { ...key.jwks.keys[0] }

  it.each<[string, () => object]>([
    ['bytes', () => ({ secret: encoder.encode('a') })],
    ['Buffers', () => ({ secret: Buffer.from('a') })],
    ['URLs', () => ({ jwksUri: new URL('https://a.example/') })],
    ['lists and objects', () => ({ audience: ['a'], scopeHierarchy: { a: ['b'] }, jwks: { keys: [{ kid: 'x' }] } })],
    ['claims', () => ({ requiredClaims: [claim(['a', 'b'], ['x']), 'sub', claim('c', predicate)] })],
    ['firstOf', () => ({ keys: firstOf({ secret: encoder.encode('a') }, { jwksUri: new URL('https://a.example/') }) })],
    ['a key source', () => ({ keys: opaque })],
  ])('is the same for equal %s, so that nothing is created again', (_, optionsOf) => {
    expect(isUnchanged(snapshotOf(optionsOf() as IssuerPolicy), optionsOf() as IssuerPolicy)).toBe(true)
  })

  it.each<[string, object, object]>([
    ['other bytes', { secret: encoder.encode('a') }, { secret: encoder.encode('b') }],
    ['fewer bytes', { secret: encoder.encode('aa') }, { secret: encoder.encode('a') }],
    ['text instead of bytes', { secret: encoder.encode('a') }, { secret: 'a' }],
    ['another URL', { jwksUri: new URL('https://a.example/') }, { jwksUri: new URL('https://b.example/') }],
    ['another fragment', { jwksUri: new URL('https://a.example/#a') }, { jwksUri: new URL('https://a.example/#b') }],
    ['a list instead of text', { audience: ['a'] }, { audience: 'a' }],
    ['a longer list', { audience: ['a'] }, { audience: ['a', 'b'] }],
    ['an additional member', { jwks: { keys: [{ kid: 'a' }] } }, { jwks: { keys: [{ kid: 'a', alg: 'ES256' }] } }],
    ['a member with another name', { jwks: { keys: [{ a: undefined }] } }, { jwks: { keys: [{ b: undefined }] } }],
    ['an additional option', { issuer: 'a' }, { issuer: 'a', maxAge: 1 }],
    ['an undefined option', { issuer: 'a' }, { issuer: 'a', clientId: undefined }],
    ['another option', { clientId: 'a' }, { tokenTypes: 'a' }],
    ['another predicate', { requiredClaims: { a: () => true } }, { requiredClaims: { a: () => true } }],
    ['another key source', { keys: { resolve } }, { keys: { resolve } }],
    ['another instance', { jwks: new Jwks() }, { jwks: new Jwks() }],
    ['another key source of a class', { keys: new Source() }, { keys: new Source() }],
    ['another key', { publicKey: key.publicKey }, { publicKey: other.publicKey }],
  ])('differs for %s', (_, before, after) => {
    expect(isUnchanged(snapshotOf(before as IssuerPolicy), before as IssuerPolicy)).toBe(true)
    expect(isUnchanged(snapshotOf(before as IssuerPolicy), after as IssuerPolicy)).toBe(false)
  })

  it('detects a change in an object that occurs twice', () => {
    const options = { jwks: { keys: [shared, shared] } } as unknown as IssuerPolicy
    const snapshot = snapshotOf(options)
    expect(isUnchanged(snapshot, options)).toBe(true)
    Object.assign(shared, { kid: 'changed' })
    expect(isUnchanged(snapshot, options)).toBe(false)
  })
})
