import { AuthError } from '@claimgate/core'
import { sharedBearer } from '@claimgate/core/revocation'
import { createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { ISSUER, NOW, optionsWith, request, verdictOn } from '../../support/core/refusal.ts'
import {
  accessToken,
  CAEP,
  createRevocationWorld,
  eventToken,
  keys,
  logoutToken,
  RECEIVER,
} from '../../support/revocation/world.ts'

const REVOKED = `${CAEP}/session-revoked`
const CHANGED = `${CAEP}/credential-change`
const user = { format: 'iss_sub', iss: ISSUER, sub: 'ada' }
const session = { format: 'opaque', id: 'session-1' }

/** What is revoked: ada's session, ada in another session, and bob. */
async function revokedIn(world: ReturnType<typeof createRevocationWorld>): Promise<readonly boolean[]> {
  const tokens = [accessToken(), accessToken({ sid: 'session-2' }), accessToken({ sid: 'session-3', sub: 'bob' })]
  return Promise.all(tokens.map(async (token) => (await world.api(await token)) !== 200))
}

describe('44. A security event token revokes', () => {
  it.each<[string, object, readonly boolean[]]>([
    ['session-revoked, iss_sub: the subject', { sub_id: user }, [true, true, false]],
    ['session-revoked, opaque: the session', { sub_id: session }, [true, false, false]],
    ['session-revoked, opaque: the subject', { sub_id: { format: 'opaque', id: 'ada' } }, [true, true, false]],
    ['session-revoked, complex: the session', { sub_id: { format: 'complex', user, session } }, [true, false, false]],
    [
      'session-revoked, complex without session: the user',
      { sub_id: { format: 'complex', user } },
      [true, true, false],
    ],
    [
      'session-revoked, complex with other members: the user',
      { sub_id: { format: 'complex', user, device: { format: 'opaque', id: 'phone' }, tenant: { format: 'email' } } },
      [true, true, false],
    ],
    [
      'credential-change, iss_sub: the subject',
      { sub_id: user, events: { [CHANGED]: { change_type: 'update' } } },
      [true, true, false],
    ],
    [
      'credential-change, opaque: the subject, never a session',
      { sub_id: session, events: { [CHANGED]: {} } },
      [false, false, false],
    ],
    [
      'credential-change, complex: the user',
      { sub_id: { format: 'complex', user, session }, events: { [CHANGED]: {} } },
      [true, true, false],
    ],
    [
      'credential-change, complex without user: the session',
      { sub_id: { format: 'complex', session }, events: { [CHANGED]: {} } },
      [true, false, false],
    ],
    ['both events', { sub_id: session, events: { [REVOKED]: {}, [CHANGED]: {} } }, [true, false, false]],
    [
      'the subject of an event, as older transmitters send it',
      { sub_id: undefined, events: { [REVOKED]: { subject: user } } },
      [true, true, false],
    ],
    ['with an exp', { exp: NOW + 60 }, [true, true, false]],
  ])('%s', async (_, changes, expected) => {
    const world = createRevocationWorld()
    const answer = await world.push(await eventToken({ ...changes }))
    expect([answer.status, answer.body, answer.headers.get('cache-control')]).toEqual([202, undefined, 'no-store'])
    expect(await revokedIn(world)).toEqual(expected)
  })

  it('tokens issued up to its iat, not later ones', async () => {
    const world = createRevocationWorld()
    await world.push(await eventToken({ iat: NOW - 10 }))
    expect(await world.api(await accessToken({ iat: NOW - 10 }))).toBe('token_refused')
    expect(await world.api(await accessToken({ iat: NOW - 9 }))).toBe(200)
  })

  it('tokens of another issuer only if it is in "subjectIssuers"', async () => {
    const sub_id = { format: 'iss_sub', iss: 'https://login.example', sub: 'ada' }
    const world = createRevocationWorld()
    expect(await world.push(await eventToken({ sub_id }))).toMatchObject({
      status: 400,
      body: { err: 'access_denied' },
    })
    const other = createRevocationWorld({ events: { issuer: 'https://events.example', subjectIssuers: [ISSUER] } })
    expect((await other.push(await eventToken({ iss: 'https://events.example' }))).status).toBe(202)
    expect((await other.push(await eventToken({ iss: 'https://events.example', sub_id: session }))).status).toBe(202)
    expect(await revokedIn(other)).toEqual([true, true, false])
  })

  it('nothing for other events, which are accepted because a receiver cannot choose all of them', async () => {
    const world = createRevocationWorld()
    const verification = 'https://schemas.openid.net/secevent/ssf/event-type/verification'
    expect((await world.push(await eventToken({ sub_id: undefined, events: { [verification]: {} } }))).status).toBe(202)
    expect(await revokedIn(world)).toEqual([false, false, false])
  })
})

describe('44. A security event token is refused', () => {
  it.each<[string, string, object, object?]>([
    ['with typ logout+jwt', 'invalid_request', {}, { typ: 'logout+jwt' }],
    ['with typ JWT', 'invalid_request', {}, { typ: 'JWT' }],
    ['without typ', 'invalid_request', {}, { typ: undefined }],
    ['without events', 'invalid_request', { events: undefined }],
    ['with events as a list', 'invalid_request', { events: [REVOKED] }],
    ['with no event', 'invalid_request', { events: {} }],
    ['with an event that is text', 'invalid_request', { events: { [REVOKED]: '' } }],
    ['with another event that is text', 'invalid_request', { events: { [REVOKED]: {}, other: '' } }],
    ['with nonce', 'invalid_request', { nonce: 'n' }],
    ['without jti', 'invalid_request', { jti: undefined }],
    ['without iat', 'invalid_request', { iat: undefined }],
    ['with an iat in the future', 'invalid_request', { iat: NOW + 61 }],
    ['that has expired', 'invalid_request', { exp: NOW - 6 }],
    ['that is older than "maxAge"', 'invalid_request', { iat: NOW - 86_406 }],
    ['of another issuer', 'invalid_issuer', { iss: 'https://other.example' }],
    ['without issuer', 'invalid_issuer', { iss: undefined }],
    ['for another receiver', 'invalid_audience', { aud: 'other' }],
    ['without audience', 'invalid_audience', { aud: undefined }],
    ['with an unknown kid', 'invalid_key', {}, { kid: 'other' }],
    ['with alg none', 'invalid_key', {}, { alg: 'none' }],
    ['without subject', 'invalid_request', { sub_id: undefined }],
    ['with a subject that is text', 'invalid_request', { sub_id: 'ada' }],
    ['with a subject without format', 'invalid_request', { sub_id: { iss: ISSUER, sub: 'ada' } }],
    ['with an email', 'invalid_request', { sub_id: { format: 'email', email: 'ada@example.com' } }],
    ['with aliases', 'invalid_request', { sub_id: { format: 'aliases', identifiers: [user] } }],
    ['with iss_sub without iss', 'invalid_request', { sub_id: { format: 'iss_sub', sub: 'ada' } }],
    ['with iss_sub without sub', 'invalid_request', { sub_id: { format: 'iss_sub', iss: ISSUER } }],
    ['with an empty opaque id', 'invalid_request', { sub_id: { format: 'opaque', id: '' } }],
    ['with a complex subject of a device', 'invalid_request', { sub_id: { format: 'complex', device: session } }],
    [
      'with a complex subject of an email',
      'invalid_request',
      { sub_id: { format: 'complex', user: { format: 'email', email: 'ada@example.com' } } },
    ],
  ])('%s: %s', async (_, err, claims, header) => {
    const world = createRevocationWorld()
    const answer = await world.push(await eventToken({ ...claims }, header))
    expect(answer).toMatchObject({ status: 400, body: { err, description: expect.any(String) } })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await revokedIn(world)).toEqual([false, false, false])
  })

  it('with the signature of another key: invalid_key', async () => {
    const other = await createTestKeys('ES256', { kid: 'key-1', generation: 9 })
    const [, payload = ''] = (await eventToken()).split('.')
    const forged = await other.sign(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object, {
      typ: 'secevent+jwt',
    })
    expect((await createRevocationWorld().push(forged)).body).toMatchObject({ err: 'invalid_key' })
  })

  it.each(['', 'application/json', 'application/jwt', 'text/plain'])('with the content type "%s"', async (type) => {
    const world = createRevocationWorld()
    expect(await world.push(await eventToken(), { 'content-type': type })).toMatchObject({
      status: 400,
      body: { err: 'invalid_request' },
    })
  })

  it('as an access token or a logout token, and the reverse', async () => {
    const world = createRevocationWorld()
    expect((await world.push(await accessToken({ aud: RECEIVER }))).status).toBe(400)
    expect((await world.push(await logoutToken({ aud: RECEIVER }))).status).toBe(400)
    expect((await world.logOut(await eventToken({ aud: 'shop', exp: NOW + 60 }))).status).toBe(400)
    const bearer = await eventToken({ aud: 'https://api.example', exp: NOW + 60 })
    expect((await verdictOn(bearer, optionsWith({ jwks: { keys: [keys.publicJwk] } }))).code).toBe('token_type')
  })
})

describe('44. A security event token has its effect once', () => {
  it('and is acknowledged again, because a transmitter repeats what was not answered', async () => {
    const world = createRevocationWorld()
    const denied: unknown[] = []
    const events = {
      denylist: {
        ...world.revoked,
        denySubject: async (...given: Parameters<typeof world.revoked.denySubject>) => {
          denied.push(given)
          return world.revoked.denySubject(...given)
        },
      },
    }
    const watched = createRevocationWorld({ events })
    const token = await eventToken()
    const statuses = [(await watched.push(token)).status, (await watched.push(token)).status]
    expect([statuses, denied.length]).toEqual([[202, 202], 1])
  })
})

describe('44. The transmitter of security events', () => {
  const secret = 'a secret of at least thirty-two characters'
  const plain = secret.replaceAll(' ', '-')

  it.each<[string, Readonly<Record<string, string>>, number]>([
    ['with its secret', { authorization: `Bearer ${plain}` }, 202],
    ['with the older secret', { authorization: `bearer ${'0'.repeat(32)}` }, 202],
    ['without a secret', {}, 400],
    ['with another secret', { authorization: `Bearer ${plain}x` }, 400],
    ['with a part of the secret', { authorization: `Bearer ${plain.slice(0, -1)}` }, 400],
    ['with another scheme', { authorization: `Basic ${plain}` }, 400],
  ])('%s: %s', async (_, headers, status) => {
    const world = createRevocationWorld({ events: { authenticate: sharedBearer([plain, '0'.repeat(32)]) } })
    const answer = await world.push(await eventToken(), headers)
    expect(answer.status).toBe(status)
    if (status === 400) expect(answer.body).toMatchObject({ err: 'authentication_failed' })
  })

  it('with two fields is not authenticated', async () => {
    const fields = request({ authorization: [`Bearer ${plain}`, `Bearer ${plain}`] })
    expect(await sharedBearer(plain)(fields)).toBe(false)
    expect(await sharedBearer(plain)(request({ authorization: `Bearer ${plain}` }))).toBe(true)
  })

  it.each([['short'], [''], [[]], [undefined], [['0'.repeat(32), 'short']]])('needs a long secret: %s', (short) => {
    expect(() => sharedBearer(short as string)).toThrow('at least 32 characters')
  })

  it.each(['ä', ' ', '\n', '@', '=', ','])('needs a secret that clients can send: not with %j inside', (odd) => {
    expect(() => sharedBearer(`${plain}${odd}0`)).toThrow('at least 32 characters of a Bearer field')
    expect(() => sharedBearer([plain, `${plain}${odd}0`])).toThrow('at least 32 characters of a Bearer field')
  })

  it.each<[string, () => unknown, number]>([
    ['answers false', async () => false, 400],
    ['rejects with a refusal', async () => Promise.reject(new AuthError('token_expired')), 400],
    ['rejects with 503', async () => Promise.reject(new AuthError('keys_unavailable')), 503],
    ['answers with text', async () => 'yes', 503],
    ['answers without a promise', () => true, 503],
    ['answers with nothing', async () => {}, 503],
  ])('is asked before anything is read: "authenticate" %s', async (_, authenticate, status) => {
    const world = createRevocationWorld({ events: { authenticate: authenticate as () => Promise<boolean> } })
    expect((await world.push(await eventToken())).status).toBe(status)
    expect(await revokedIn(world)).toEqual([false, false, false])
  })
})
