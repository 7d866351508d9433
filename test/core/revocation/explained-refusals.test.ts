import { AuthError } from '@claimgate/core'
import { sharedBearer } from '@claimgate/core/revocation'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { bodyOf } from '../../../packages/core/src/revocation/endpoint.ts'
import { revokeOnce, textClaim } from '../../../packages/core/src/revocation/event-token.ts'
import { revokedBy } from '../../../packages/core/src/revocation/subjects.ts'
import { ISSUER, NOW, request } from '../../support/core/refusal.ts'
import {
  accessToken,
  createRevocationWorld,
  eventToken,
  LOGOUT_EVENT,
  logoutToken,
} from '../../support/revocation/world.ts'

const OTHER = 'https://other.example'
const thrownBy = (call: () => unknown): unknown => {
  try {
    return call()
  } catch (error) {
    return error
  }
}
const wordsOf = (error: unknown): readonly unknown[] => {
  const { code, expected, actual, hint } = error as AuthError
  return [code, JSON.parse(String(expected)), JSON.parse(String(actual)), hint]
}

describe('44. A subject of an event', () => {
  const revoked = (
    subject: unknown,
    subjectIssuers: readonly string[] = [ISSUER],
    event: 'session' | 'credential' = 'session',
  ) => revokedBy(event, subject, { issuer: ISSUER, subjectIssuers })
  const iss_sub = { format: 'iss_sub', iss: ISSUER, sub: 'ada' }

  it.each<readonly [string, readonly string[], string]>([
    ['the only issuer whose tokens may be revoked', [OTHER], OTHER],
    ['the issuer of the token, if there are several', [OTHER, 'https://more.example'], ISSUER],
    ['the issuer of the token, if there is none', [], ISSUER],
  ])('that is opaque is of %s', (_, subjectIssuers, issuer) => {
    expect(revoked({ format: 'opaque', id: 'x' }, subjectIssuers)).toEqual([
      { kind: 'session', issuer, id: 'x' },
      { kind: 'subject', issuer, id: 'x' },
    ])
  })

  it.each<readonly [string, unknown, 'session' | 'credential', object]>([
    ['is a subject', iss_sub, 'session', { kind: 'subject', issuer: ISSUER, id: 'ada' }],
    ['is a user', { format: 'complex', user: iss_sub }, 'credential', { kind: 'subject', issuer: ISSUER, id: 'ada' }],
    [
      'is a session',
      { format: 'complex', session: iss_sub },
      'credential',
      { kind: 'session', issuer: ISSUER, id: 'ada' },
    ],
  ])('that %s is all that it revokes', (_, subject, event, expected) => {
    expect(revoked(subject, [ISSUER], event)).toEqual([expected])
  })

  it.each<readonly [string, unknown, string, unknown]>([
    ['is missing', undefined, '"sub_id": a subject identifier', 'none'],
    ['is text', 'ada', '"sub_id": a subject identifier', 'none'],
    ['has no format', {}, 'a subject identifier of the format iss_sub or opaque', 'none'],
    ['is an address', { format: 'email' }, 'a subject identifier of the format iss_sub or opaque', 'email'],
    [
      'has a session that is text',
      { format: 'complex', session: 's' },
      'a subject identifier of the format iss_sub or opaque',
      'none',
    ],
    ['has no ID', { format: 'opaque' }, '"id" of the subject: a string', 'undefined'],
    ['has an empty ID', { format: 'opaque', id: '' }, '"id" of the subject: a string', 'string'],
    ['has no issuer', { format: 'iss_sub', sub: 'ada' }, '"iss" of the subject: a string', 'undefined'],
    ['has a number as subject', { ...iss_sub, sub: 1 }, '"sub" of the subject: a string', 'number'],
    [
      'is only of a tenant',
      { format: 'complex', tenant: {} },
      'a complex subject with "session" or "user"',
      ['format', 'tenant'],
    ],
    [
      'is of many things',
      Object.fromEntries(['format', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((name) => [name, 'complex'])),
      'a complex subject with "session" or "user"',
      ['format', 'a', 'b', 'c', 'd', 'e', 'f', 'g'],
    ],
  ])('that %s is refused, and the refusal says why', (_, subject, expected, actual) => {
    expect(wordsOf(thrownBy(() => revoked(subject)))).toEqual(['claim_malformed', expected, actual, undefined])
  })

  it('of another issuer is refused, and the refusal says what to change', () => {
    expect(wordsOf(thrownBy(() => revoked({ ...iss_sub, iss: OTHER })))).toEqual([
      'claim_mismatch',
      [ISSUER],
      OTHER,
      'If the transmitter may revoke tokens of this issuer, add it to "subjectIssuers"',
    ])
  })
})

describe('44. A body', () => {
  const clock = createTestClock()

  it('that is empty is an empty text', async () => {
    expect(await bodyOf({ next: async () => ({ done: true, value: undefined }) }, clock)).toBe('')
  })

  it('that was read before says what to change', async () => {
    await expect(bodyOf({ parsed: undefined }, clock)).rejects.toThrow(
      new TypeError('The body was read before, and no parser has kept it: put this handler before what reads it'),
    )
  })
})

describe('44. A claim that must be a string', () => {
  it.each<readonly [unknown, string]>([
    ['', 'an empty one'],
    [5, 'number'],
    [null, 'object'],
  ])('is not %j', (value, actual) => {
    expect(wordsOf(thrownBy(() => textClaim({ sid: value }, 'sid')))).toEqual([
      'claim_malformed',
      'sid: a string',
      actual,
      undefined,
    ])
  })
})

it('44. a token that was accepted before is known by its claims alone', async () => {
  const asked: unknown[] = []
  const once = { iss: ISSUER, jti: 'event 1', iat: NOW, exp: NOW + 60 }
  const list = {
    check: async (token: object) => void asked.push(token),
    denyToken: async (token: object) => void asked.push(token),
    denySubject: async () => {},
    denySession: async () => {},
  }
  await revokeOnce(list, once, async () => void asked.push('revoked'))
  expect(asked).toMatchObject([{ claims: once }, 'revoked', { claims: once }])
})

describe('44. The log says why', () => {
  const logged = async (make: (log: { warn(line: string): void }) => Promise<unknown>): Promise<string> => {
    const lines: string[] = []
    await make({ warn: (line) => void lines.push(line) })
    return lines.join('\n')
  }

  it.each<readonly [string, object, object, string]>([
    ['only a session', { sub: undefined }, { revokes: 'subject' }, 'because of'],
    ['neither', { sub: undefined, sid: undefined }, {}, 'sid'],
    ['another event', { events: { other: {} } }, {}, LOGOUT_EVENT],
  ])('a logout token is refused that has %s', async (_, claims, options, words) => {
    const line = await logged(async (log) =>
      createRevocationWorld({ logout: { ...options, log } }).logOut(await logoutToken({ ...claims })),
    )
    expect(line).toContain(words)
  })

  it.each<readonly [string, () => Promise<boolean>, number]>([
    ['is refused', async () => Promise.reject(new AuthError('credential_missing')), 400],
    ['is refused for its token', async () => Promise.reject(new AuthError('token_expired')), 400],
    ['is answered with a text', async () => 'yes' as never, 503],
    ['fails', async () => Promise.reject(new Error('down')), 503],
    ['is not available', async () => Promise.reject(new AuthError('keys_unavailable')), 503],
  ])('a transmitter %s: %#', async (_, authenticate, status) => {
    let answer: unknown
    const line = await logged(async (log) => {
      answer = await createRevocationWorld({ events: { authenticate, log } }).push(await eventToken())
    })
    expect(answer).toMatchObject(status === 400 ? { status, body: { err: 'authentication_failed' } } : { status })
    expect(line).toContain(status === 400 ? 'a transmitter that' : '')
  })
})

describe('44. The secret of a transmitter', () => {
  const secret = 'a'.repeat(32)

  it.each([
    ['as it is', `Bearer ${secret}`, true],
    ['in any case of the scheme', `bEARER ${secret}`, true],
    ['after something else', `Basic x, Bearer ${secret}`, false],
    ['before something else', `Bearer ${secret} x`, false],
    ['with two spaces', `Bearer  ${secret}`, false],
    ['without a scheme', secret, false],
    ['of another scheme', `Basic ${secret}`, false],
  ])('is accepted only alone: %s', async (_, field, accepted) => {
    expect(await sharedBearer(secret)(request({ authorization: field }))).toBe(accepted)
  })

  it('must be long, and says so', () => {
    expect(() => sharedBearer('short')).toThrow(/^Cannot authenticate transmitter: the secret must be at least 32 /)
  })
})

describe('44. An endpoint of revocations', () => {
  it.each(['secevent+jwt', 'application/secevent+jwt', 'SECEVENT+JWT'])(
    'keeps the IDs of events apart from those of logout tokens: %s',
    async (typ) => {
      const world = createRevocationWorld()
      expect((await world.logOut(await logoutToken({ jti: 'same', sid: 'other' }))).status).toBe(200)
      expect(await world.api(await accessToken())).toBe(200)
      expect((await world.push(await eventToken({ jti: 'same' }, { typ }))).status).toBe(202)
      expect(await world.api(await accessToken())).toBe('token_refused')
    },
  )

  it('accepts a logout token that names only a session', async () => {
    const world = createRevocationWorld()
    expect((await world.logOut(await logoutToken({ sub: undefined }))).status).toBe(200)
    expect(await world.api(await accessToken())).toBe('token_refused')
  })

  it('tells only of a repeated token that it is one', async () => {
    const world = createRevocationWorld({ logout: { log: false } })
    expect(await world.logOut(await logoutToken({ aud: 'other' }))).toMatchObject({
      status: 400,
      body: {
        error: 'invalid_request',
        error_description: 'The request does not carry exactly one logout token that is accepted here',
      },
    })
  })

  it.each(['find', 'add'])('acknowledges no event while the denylist fails: %s', async (method) => {
    const works = { find: async () => [], add: async () => undefined }
    const store = { ...works, [method]: async () => Promise.reject(new Error('down')) }
    const world = createRevocationWorld({ store })
    expect((await world.push(await eventToken())).status).toBe(503)
    expect((await world.logOut(await logoutToken())).status).toBe(503)
  })
})
