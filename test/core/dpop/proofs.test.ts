import { generateKeyPair, exportJWK, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  boundToken,
  createDpopApi,
  createDpopClient,
  type DpopClient,
  hashOf,
  lineOf,
  ORIGIN,
  plainToken,
  type ProofChanges,
  URL_OF_ORDERS,
} from '../../support/dpop/client.ts'
import { NOW } from '../../support/core/refusal.ts'

const client = await createDpopClient()
const other = await createDpopClient()
const token = await boundToken(client.jkt)
const rsa = (await createDpopClient('RS256')).jwk
const privateJwk = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)

const BAD = '401 invalid_dpop_proof'
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A proof with other text for one of its parts, which its signature no longer covers. */
const replaced = async (index: number, text: (part: string) => string): Promise<string> =>
  (await client.proof(token))
    .split('.')
    .map((part, at) => (at === index ? text(part) : part))
    .join('.')

async function answerTo(proof: string | readonly string[] | undefined, request = {}, options = {}): Promise<string> {
  return lineOf(await createDpopApi(options).send(token, proof, request))
}

describe('41. A good DPoP proof is accepted', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'Ed25519', 'EdDSA'])('signed with %s', async (alg) => {
    const sender = await createDpopClient(alg)
    const bound = await boundToken(sender.jkt)
    const outcome = await createDpopApi().send(bound, await sender.proof(bound))
    expect(outcome).toMatchObject({ kind: 'authenticated', scheme: 'DPoP', headers: {} })
  })

  it.each<[string, ProofChanges, object?]>([
    ['with a query in the target', {}, { target: '/orders?page=2' }],
    ['with an absolute target of any host', {}, { target: 'http://evil.example/orders' }],
    ['for another method', { claims: { htm: 'DELETE' } }, { method: 'DELETE' }],
    ['with query and fragment in htu', { claims: { htu: `${URL_OF_ORDERS}?page=2#top` } }],
    ['with a default port', { claims: { htu: 'https://api.example.com:443/shop/orders' } }],
    ['with an empty port', { claims: { htu: 'https://api.example.com:/shop/orders' } }],
    ['with other case in scheme and host', { claims: { htu: 'HTTPS://API.Example.COM/shop/orders' } }],
    ['with needless escapes', { claims: { htu: 'https://api.example.com/sh%6fp/%6Frders' } }],
    ['with dot segments', { claims: { htu: 'https://api.example.com/shop/x/.././%2e/orders' } }],
    ['with needless escapes in the target', {}, { target: '/%6frders' }],
    ['with an escape in lower case', { claims: { htu: `${ORIGIN}/a%2fb` } }, { target: '/a%2Fb' }],
    ['at the end of the window', { claims: { iat: NOW - 65 } }],
    ['at the beginning of the window', { claims: { iat: NOW + 5 } }],
    ['with a jti of 512 characters', { claims: { jti: 'j'.repeat(512) } }],
    ['with unknown members', { claims: { more: { a: 1 } }, header: { more: 1 } }],
    ['with a nonce that was not asked for', { claims: { nonce: 'n' } }],
    ['with members of other keys in its key', { header: { jwk: { ...client.jwk, n: 'AQAB', e: 'AQAB' } } }],
    ['with the algorithm in its key', { header: { jwk: { ...client.jwk, alg: 'ES256', use: 'sig', kid: 'k' } } }],
  ])('%s', async (_, changes, request) => {
    expect(await answerTo(await client.proof(token, changes), request)).toBe('200')
  })

  it('for the root of the origin, with and without its slash', async () => {
    for (const htu of ['https://api.example.com', 'https://api.example.com/']) {
      const proof = await client.proof(token, { claims: { htu } })
      expect(await answerTo(proof, { target: '/' }, { origin: 'https://api.example.com' })).toBe('200')
    }
  })
})

describe('41. A bad DPoP proof is refused with 401', () => {
  const jwk = (changes: object): ProofChanges => ({ header: { jwk: { ...client.jwk, ...changes } } })
  const htu = (text: unknown): ProofChanges => ({ claims: { htu: text } })

  it.each<[string, ProofChanges, object?]>([
    ['no typ', { header: { typ: undefined } }],
    ['typ of a JWT', { header: { typ: 'JWT' } }],
    ['typ in another case', { header: { typ: 'DPoP+JWT' } }],
    ['a critical extension', { header: { crit: ['exp'], exp: 1 } }],
    ['no jwk', { header: { jwk: undefined } }],
    ['a jwk that is text', { header: { jwk: 'key' } }],
    ['a list as jwk', { header: { jwk: [client.jwk] } }],
    ['a private jwk', { header: { jwk: privateJwk } }],
    ['a jwk with a private part of another kind', jwk({ k: 'AAAA' })],
    ['a symmetric jwk', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }],
    ['a jwk of another algorithm', { header: { jwk: rsa } }],
    ['a jwk that names another algorithm', jwk({ alg: 'ES384' })],
    ['a jwk to encrypt with', jwk({ use: 'enc' })],
    ['a jwk not to verify with', jwk({ key_ops: ['sign'] })],
    ['a jwk off the curve', jwk({ y: client.jwk.x })],
    ['a jwk of another curve', jwk({ crv: 'P-384' })],
    ['the jwk of another key', { header: { jwk: other.jwk } }],
    ['no htm', { claims: { htm: undefined } }],
    ['htm of another method', { claims: { htm: 'POST' } }],
    ['htm in lower case', { claims: { htm: 'get' } }],
    ['htm that is a list', { claims: { htm: ['GET'] } }],
    ['no htu', htu(undefined)],
    ['htu that is a list', htu([URL_OF_ORDERS])],
    ['htu that is a path', htu('/shop/orders')],
    ['htu of another host', htu('https://api.example.org/shop/orders')],
    ['htu of another port', htu('https://api.example.com:8443/shop/orders')],
    ['htu with plain http', htu('http://api.example.com/shop/orders')],
    ['htu without the prefix', htu('https://api.example.com/orders')],
    ['htu of another path', htu(`${ORIGIN}/invoices`)],
    ['htu with a slash at the end', htu(`${URL_OF_ORDERS}/`)],
    ['htu in another case', htu(`${ORIGIN}/Orders`)],
    ['htu with userinfo', htu('https://user@api.example.com/shop/orders')],
    ['htu with empty userinfo', htu('https://@api.example.com/shop/orders')],
    ['htu with a backslash', htu('https://api.example.com/shop\\orders')],
    ['htu with a backslash in its query', htu(`${URL_OF_ORDERS}?\\`)],
    ['htu with a tab', htu(`${ORIGIN}/or\tders`)],
    ['htu with a space in front', htu(` ${URL_OF_ORDERS}`)],
    ['htu with three slashes', htu('https:///api.example.com/shop/orders')],
    ['htu with an escaped slash', htu(`${ORIGIN}%2Forders`)],
    ['htu that is not ASCII', htu('https://api.example.com/shop/ord\u00e9rs')],
    [
      'htu of the host that the client named',
      htu('https://evil.example/orders'),
      { target: 'https://evil.example/orders' },
    ],
    ['no jti', { claims: { jti: undefined } }],
    ['an empty jti', { claims: { jti: '' } }],
    ['a jti that is a number', { claims: { jti: 1 } }],
    ['a jti of 513 characters', { claims: { jti: 'j'.repeat(513) } }],
    ['no iat', { claims: { iat: undefined } }],
    ['an iat that is text', { claims: { iat: String(NOW) } }],
    ['a negative iat', { claims: { iat: -1 } }],
    ['an iat in milliseconds', { claims: { iat: NOW * 1000 } }],
    ['an iat that is too old', { claims: { iat: NOW - 66 } }],
    ['an iat in the future', { claims: { iat: NOW + 6 } }],
    ['no ath', { claims: { ath: undefined } }],
    ['the ath of another token', { claims: { ath: hashOf(`${token}x`) } }],
    ['the ath in hexadecimal', { claims: { ath: Buffer.from(hashOf(token), 'base64url').toString('hex') } }],
    ['too many characters', { claims: { more: 'm'.repeat(4096) } }],
  ])('%s', async (_, changes, request) => {
    expect(await answerTo(await client.proof(token, changes), request)).toBe(BAD)
  })

  it.each<[string, () => Promise<string | readonly string[] | undefined>]>([
    ['none', async () => undefined],
    ['an empty one', async () => ''],
    ['two fields', async () => [await client.proof(token), await client.proof(token)]],
    ['the same one twice', async () => client.proof(token).then((proof) => [proof, proof])],
    ['two in one field', async () => `${await client.proof(token)}, ${await client.proof(token)}`],
    ['two parts', async () => (await client.proof(token)).split('.').slice(0, 2).join('.')],
    ['four parts', async () => `${await client.proof(token)}.`],
    ['white space', async () => `${await client.proof(token)} `],
    ['padding', async () => replaced(2, (part) => `${part}==`)],
    ['no signature', async () => replaced(2, () => '')],
    ['a changed signature', async () => replaced(2, (part) => `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`)],
    ['changed claims', async () => replaced(1, (part) => encode({ ...JSON.parse(atob(part)), jti: 'x' }))],
    ['no JSON as claims', async () => replaced(1, () => encode('text'))],
    ['alg none', async () => replaced(0, () => encode({ typ: 'dpop+jwt', alg: 'none', jwk: client.jwk }))],
    ['alg HS256', async () => replaced(0, () => encode({ typ: 'dpop+jwt', alg: 'HS256', jwk: client.jwk }))],
    ['the access token', async () => token],
  ])('%s', async (_, proof) => {
    expect(await answerTo(await proof())).toBe(BAD)
  })

  it.each([
    ['header', `{"typ":"JWT","typ":"dpop+jwt","alg":"ES256","jwk":${JSON.stringify(client.jwk)}}`, '{}'],
    ['claims', undefined, '{"htm":"POST","htm":"GET"}'],
    ['claims', undefined, '{"__proto__":{}}'],
  ])('a member twice, or __proto__, in the %s', async (_, header, claims) => {
    const [signer, jwkOf] = await rawSigner()
    const head = header ?? JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: jwkOf })
    const answer = await createDpopApi().send(token, await signer(head, claims))
    expect(answer).toMatchObject({
      response: { status: 401 },
      error: { cause: { code: expect.stringMatching(/^json_/) } },
    })
    expect(lineOf(answer)).toBe(BAD)
  })

  it('an algorithm that is not on the list', async () => {
    expect(await answerTo(await client.proof(token), {}, { algorithms: ['EdDSA', 'RS256'] })).toBe(BAD)
  })

  it('a jwk that is too weak', async () => {
    const weak = await weakRsa()
    expect(await answerTo(await weak.proof(token))).toBe(BAD)
  })

  it.each(['/public/../orders', '/./orders', '/x/%2e%2E/orders', '/orders/.', '/orders/..', '/..'])(
    'a proof for the path that %s leads to, because frameworks route it as it is',
    async (target) => {
      for (const path of ['/orders', '/orders/', '/', '', target]) {
        const proof = await client.proof(token, htu(`${ORIGIN}${path}`))
        expect(await answerTo(proof, { target })).toBe(BAD)
      }
      const query = await client.proof(token)
      expect(await answerTo(query, { target: `/orders?next=${target}` })).toBe('200')
    },
  )

  it('a proof for a path above the prefix', async () => {
    const proof = await client.proof(token, htu('https://api.example.com/admin'))
    expect(await answerTo(proof, { target: '/../admin' })).toBe(BAD)
    expect(await answerTo(proof, { target: '/%2e%2E/admin' })).toBe(BAD)
  })

  it('and the log says why, without the proof or the token', async () => {
    const outcome = await createDpopApi().send(token, await client.proof(token, htu('https://evil.example/')))
    if (outcome.kind !== 'refused') throw new Error('accepted')
    expect(outcome.error.message).toBe(
      'The sender has not shown possession of the key the token is bound to: expected "htu: https://api.example.com/shop/orders", found "https://evil.example/"',
    )
    expect(outcome.error.code).toBe('binding_failed')
  })
})

describe('40. A token and its scheme fit together', () => {
  it('a proof of another key is refused as the token is', async () => {
    expect(await answerTo(await other.proof(token))).toBe('401 invalid_token')
  })

  it('a bound token is refused as Bearer, and a plain one as DPoP', async () => {
    const api = createDpopApi()
    const asBearer = await api.send(token, await client.proof(token), { scheme: 'Bearer' })
    const challenges = asBearer.kind === 'refused' ? asBearer.response.headers['www-authenticate'] : undefined
    expect(challenges).toMatch(/^Bearer realm="api", error="invalid_token", .*, DPoP realm="api", algs="RS256 [^"]+"$/)
    const plain = await plainToken()
    expect(lineOf(await api.send(plain, await client.proof(plain)))).toBe('401 invalid_token')
    expect(lineOf(await api.send(plain, undefined, { scheme: 'Bearer' }))).toBe('200')
  })

  it('unboundTokens: refuse leaves no plain tokens', async () => {
    const api = createDpopApi({}, { unboundTokens: 'refuse' })
    expect(await api.send(await plainToken(), undefined, { scheme: 'Bearer' })).toMatchObject({
      kind: 'refused',
      response: { status: 401 },
    })
    expect(lineOf(await api.send(token, await client.proof(token)))).toBe('200')
  })

  it.each([null, 1, '', [client.jkt], { jkt: client.jkt }])('cnf.jkt of %j never matches', async (jkt) => {
    const odd = await boundToken(jkt as string)
    expect(lineOf(await createDpopApi().send(odd, await client.proof(odd)))).toBe('401 invalid_token')
  })

  it('cnf with two members needs both', async () => {
    const both = await boundToken('', { cnf: { jkt: client.jkt, 'x5t#S256': 'x' } })
    expect(lineOf(await createDpopApi().send(both, await client.proof(both)))).toBe('401 invalid_token')
  })

  it('the token is checked before the proof', async () => {
    const expired = await boundToken(client.jkt, { exp: NOW - 60 })
    const outcome = await createDpopApi().send(expired, 'no proof')
    expect(outcome).toMatchObject({ error: { code: 'token_expired' } })
  })
})

describe('41. The options of dpop', () => {
  it.each<[string, object, RegExp]>([
    ['no origin', { origin: undefined }, /"origin" must be the public origin/],
    ['an origin with userinfo', { origin: 'https://a@b.example' }, /"origin" must be the public origin/],
    ['no store', { replay: undefined }, /"replay" must be an object \{ insertIfAbsent \}/],
    ['another word for the store', { replay: 'none' }, /"replay" must be an object/],
    ['no algorithm', { algorithms: [] }, /"algorithms" must not be empty/],
    ['a symmetric algorithm', { algorithms: ['HS256'] }, /each of "algorithms" must be an asymmetric algorithm/],
    ['undefined nonces', { nonces: undefined }, /"nonces" must not be undefined/],
    ['nonces without a secret', { nonces: {} }, /"nonces.secret" must be at least 32 bytes/],
    [
      'a short secret',
      { nonces: { secret: 'hunter2' } },
      /"nonces.secret" must be at least 32 bytes.*found "a string"/,
    ],
    ['31 bytes as a secret', { nonces: { secret: new Uint8Array(31) } }, /at least 32 bytes.*found "a Uint8Array"/],
    ['one short secret', { nonces: { secret: ['x'.repeat(32), 'short'] } }, /at least 32 bytes/],
    ['no secrets', { nonces: { secret: [] } }, /at least 32 bytes/],
    ['a long maxAge', { maxAge: 301 }, /"maxAge" must be a number of seconds from 1 to 300/],
    ['an unknown name', { max_age: 1 }, /there is no option "max_age"/],
  ])('%s throws at start-up', (_, changes, message) => {
    expect(() => createDpopApi(changes)).toThrow(message)
    expect(() => createDpopApi(changes)).not.toThrow(/hunter2/)
  })
})

/** Signs any text as a proof. */
async function rawSigner(): Promise<[(header: string, claims: string) => Promise<string>, JWK]> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const sign = async (header: string, claims: string): Promise<string> => {
    const input = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.')
    const signature = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      pair.privateKey,
      new TextEncoder().encode(input),
    )
    return `${input}.${Buffer.from(signature).toString('base64url')}`
  }
  const { kty = '', crv = '', x = '', y = '' } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return [sign, { kty, crv, x, y }]
}

/** A client with an RSA key of 1,024 bits. */
async function weakRsa(): Promise<Pick<DpopClient, 'proof'>> {
  const weak = await crypto.subtle.generateKey(
    { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    true,
    ['sign', 'verify'],
  )
  const { kty, n, e } = await crypto.subtle.exportKey('jwk', weak.publicKey)
  const claims = { jti: 'j', htm: 'GET', htu: URL_OF_ORDERS, iat: NOW, ath: hashOf(token) }
  const input = [{ typ: 'dpop+jwt', alg: 'RS256', jwk: { kty, n, e } }, claims].map(encode).join('.')
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', weak.privateKey, new TextEncoder().encode(input))
  return { proof: async () => `${input}.${Buffer.from(signature).toString('base64url')}` }
}
