import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { createLogoutEndpoint, createSecurityEventEndpoint } from '@claimgate/core/revocation'
import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../support/core/refusal.ts'
import {
  CAEP,
  CLIENT,
  createRevocationWorld,
  eventToken,
  LOGOUT_EVENT,
  logoutToken,
  RECEIVER,
} from '../../support/revocation/world.ts'

const revoked = denylist({ store: createMemoryDenylist() })
const logout = (options: object): unknown =>
  createLogoutEndpoint({ denylist: revoked, issuer: ISSUER, clientId: CLIENT, ...options })
const events = (options: object): unknown =>
  createSecurityEventEndpoint({
    denylist: revoked,
    issuer: ISSUER,
    audience: RECEIVER,
    authenticate: null,
    ...options,
  })

type Case = readonly [options: object, message: string]
const DENYLIST =
  '"denylist" must be the denylist of your API, such as denylist({ store: createMemoryDenylist() }), found'
const COMMON: readonly Case[] = [
  [{ denylist: undefined }, `${DENYLIST} nothing`],
  ...['check', 'denyToken', 'denySubject', 'denySession'].map((name): Case => [
    { denylist: { ...revoked, [name]: undefined } },
    `${DENYLIST} an object`,
  ]),
  [{ issuer: undefined }, '"issuer" must be the exact iss of the tokens, found nothing'],
  [{ issuer: '' }, '"issuer" must be the exact iss of the tokens, found ""'],
  [{ log: 1 }, '"log" must be false, or have a function "warn", as console does, found 1'],
  [{ timeout: 0.005 }, '"timeout" must be a number of seconds from 0.01 to 60, found 0.005'],
  [{ timeout: 61 }, '"timeout" must be a number of seconds from 0.01 to 60, found 61'],
  [{ clock: 1 }, '"clock" must be an object with a "now" that gives milliseconds, found 1'],
]

describe('Back-channel logout stops at start-up', () => {
  const CLIENT_ID = '"clientId" must be the client ID that logout tokens are for, or a list of them, found'
  const TYPES = '"tokenTypes" must be a list of typ values, such as ["logout+jwt"], found'
  it.each<Case>([
    ...COMMON,
    [{ clientId: undefined }, `${CLIENT_ID} nothing`],
    [{ clientId: '' }, `${CLIENT_ID} ""`],
    [{ clientId: [] }, `${CLIENT_ID} []`],
    [{ clientId: ['a', ''] }, `${CLIENT_ID} ["a",""]`],
    [{ clientId: 7 }, `${CLIENT_ID} 7`],
    [{ tokenTypes: [] }, `${TYPES} []`],
    [{ tokenTypes: 'JWT' }, `${TYPES} "JWT"`],
    [{ maxAge: 0.5 }, '"maxAge" must be a number of seconds from 1 to 86400, found 0.5'],
    [{ maxAge: 86_401 }, '"maxAge" must be a number of seconds from 1 to 86400, found 86401'],
    [{ revokes: 'all' }, '"revokes" must be "session" or "subject", found "all"'],
    [{ clientID: 'x' }, 'there is no option "clientID"; did you mean "clientId"?'],
    [{ audience: 'x' }, 'there is no option "audience"'],
  ])('with %j', (options, message) => {
    expect(() => logout(options)).toThrow(`Cannot create back-channel logout: ${message}`)
  })

  it('but not with values at the ends of their ranges', () => {
    for (const options of [{ maxAge: 1 }, { maxAge: 86_400 }, { timeout: 0.01 }, { timeout: 60 }, { log: false }])
      expect(() => logout(options)).not.toThrow()
    expect(() => logout({ jwksUri: 'https://issuer.example/jwks', algorithms: ['ES256'] })).not.toThrow()
    expect(() => logout({ metadataUri: 'https://issuer.example/metadata' })).not.toThrow()
    expect(() => logout({ metadataUri: 7 })).toThrow('"metadataUri" must be')
    expect(() => logout({ algorithms: [] })).toThrow('"algorithms" must be a list of algorithms')
  })
})

describe('The endpoint of security events stops at start-up', () => {
  const AUDIENCE = '"audience" must be the name of this receiver in aud, or a list of names, found'
  const AUTHENTICATE =
    '"authenticate" must be sharedBearer(secret) or another async function, or null to rely on the signature alone, found'
  it.each<Case>([
    ...COMMON,
    [{ audience: undefined }, `${AUDIENCE} nothing`],
    [{ audience: [] }, `${AUDIENCE} []`],
    [{ authenticate: undefined }, `${AUTHENTICATE} nothing`],
    [{ authenticate: 'secret' }, `${AUTHENTICATE} "secret"`],
    [{ subjectIssuers: ISSUER }, '"subjectIssuers" must be a list of issuers, found'],
    [{ subjectIssuers: [''] }, 'each of "subjectIssuers" must be the exact iss of the tokens, found ""'],
    [{ maxAge: 0.5 }, '"maxAge" must be a number of seconds from 1 to 31536000, found 0.5'],
    [{ maxAge: 31_536_001 }, '"maxAge" must be a number of seconds from 1 to 31536000, found 31536001'],
    [{ revokes: 'subject' }, 'there is no option "revokes"'],
  ])('with %j', (options, message) => {
    expect(() => events(options)).toThrow(`Cannot create endpoint of security events: ${message}`)
  })

  it('but not with values at the ends of their ranges', () => {
    for (const options of [{ maxAge: 1 }, { maxAge: 31_536_000 }, { subjectIssuers: ['a'] }])
      expect(() => events(options)).not.toThrow()
  })
})

describe('The log says why', () => {
  const logged = async (
    send: (world: ReturnType<typeof createRevocationWorld>) => Promise<unknown>,
  ): Promise<string> => {
    const lines: string[] = []
    const log = { warn: (line: string): void => void lines.push(line) }
    await send(createRevocationWorld({ logout: { log }, events: { log } }))
    expect(lines).toHaveLength(1)
    return lines[0] ?? ''
  }

  it.each<readonly [claims: object, why: string]>([
    [
      { events: undefined },
      'expected "an \\"events\\" claim with an object for each event", found "a token without it"',
    ],
    [{ events: [] }, 'found "something else". This may be an access token or an ID token'],
    [{ events: { 'https://other.example': {} } }, `expected "the event ${LOGOUT_EVENT}", found "other events"`],
    [{ sid: undefined, sub: undefined }, 'expected "\\"sub\\" or \\"sid\\"", found "neither"'],
    [{ sid: '' }, 'expected "sid: a string", found "an empty one"'],
    [{ sid: 7 }, 'expected "sid: a string", found "number"'],
    [{ jti: '' }, 'expected "jti: a string", found "an empty one"'],
    [{ nonce: null }, 'expected "no \\"nonce\\"", found "a token with nonce"'],
  ])('a logout token with %j is refused', async (claims, why) => {
    const token = await logoutToken({ ...claims })
    expect(await logged(async (world) => world.logOut(token))).toContain(why)
  })

  it.each<readonly [form: string, type: string, why: string]>([
    ['logout_token=x', 'text/plain', 'expected "the content type application/x-www-form-urlencoded"'],
    [
      'logout_token=x&logout_token=x',
      'application/x-www-form-urlencoded',
      'expected "exactly one \\"logout_token\\", as text"',
    ],
    ['token=x', 'application/x-www-form-urlencoded', 'expected "exactly one \\"logout_token\\", as text"'],
  ])('the form %s of type %s is refused', async (form, type, why) => {
    expect(await logged(async (world) => world.form(form, type))).toContain(why)
  })

  it('a security event is refused', async () => {
    const token = await eventToken()
    expect(await logged(async (world) => world.push(token, { 'content-type': 'text/plain' }))).toContain(
      'expected "the content type application/secevent+jwt"',
    )
    const lines: string[] = []
    const log = { warn: (line: string): void => void lines.push(line) }
    const world = createRevocationWorld({ events: { log, authenticate: async () => false } })
    expect((await world.push(token)).body).toEqual({
      err: 'authentication_failed',
      description: 'The transmitter was not authenticated',
    })
    expect(lines.join()).toContain('expected "a transmitter that \\"authenticate\\" accepts"')
  })

  it('a store is not available, without a word of the store', async () => {
    const lines: string[] = []
    const log = { warn: (line: string): void => void lines.push(line) }
    const store = { find: async () => Promise.reject(new Error('redis://:password@host')), add: async () => undefined }
    const world = createRevocationWorld({ store, logout: { log } })
    const answer = await world.logOut(await logoutToken())
    expect([answer.status, answer.body, answer.headers.get('retry-after')]).toEqual([503, undefined, '1'])
    expect(lines).toEqual([expect.stringContaining('"the denylist"')])
    expect(lines.join()).not.toContain('password')
  })

  it('and a refusal about another issuer tells the transmitter', async () => {
    const world = createRevocationWorld()
    const token = await eventToken({ sub_id: { format: 'iss_sub', iss: 'https://other.example', sub: 'ada' } })
    expect((await world.push(token)).body).toEqual({
      err: 'access_denied',
      description: 'The transmitter may not report events about this issuer',
    })
    const wrong = await eventToken({ aud: 'other', events: { [`${CAEP}/session-revoked`]: {} } })
    expect((await world.push(wrong)).body).toEqual({
      err: 'invalid_audience',
      description: 'The token is meant for another receiver',
    })
  })
})
