import { describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../../packages/core/src/authenticator/authenticator.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { catalogue } from '../../../packages/core/src/model/catalogue.ts'
import { AUDIENCE, createSigningKey, ISSUER } from '../../support/core/jose-tokens.ts'
import type { ErrorCode } from '../../../packages/core/src/model/catalogue.ts'
import type { RequestView } from '../../../packages/core/src/model/token.ts'
import { createLogRefusal, logOption, type RefusalLine } from '../../../packages/core/src/http/refusal-log.ts'

function started() {
  let now = 1000
  const lines: RefusalLine[] = []
  const logRefusal = createLogRefusal({ monotonic: () => now })
  return {
    lines,
    pass: (seconds: number) => (now += seconds * 1000),
    refuse: (code: ErrorCode, times = 1) => {
      for (let time = 0; time < times; time += 1) logRefusal(new AuthError(code), (line) => lines.push(line))
    },
  }
}

const EXPIRED = 'The token has expired'

describe('the log of refusals', () => {
  it('has a line for the first of each code, immediately', () => {
    const { lines, refuse } = started()
    refuse('token_expired')
    refuse('credential_missing')
    expect(lines).toEqual([
      { code: 'token_expired', message: EXPIRED, suppressed: 0 },
      { code: 'credential_missing', message: 'The request carries no access token', suppressed: 0 },
    ])
  })

  it('has one line per code and minute under a flood, with the number of suppressed ones', () => {
    const { lines, refuse, pass } = started()
    refuse('token_expired', 1000)
    pass(59.9)
    refuse('token_expired', 50)
    expect(lines).toHaveLength(1)
    pass(0.1)
    refuse('token_expired', 3)
    pass(60)
    refuse('token_expired')
    pass(600)
    refuse('token_expired')
    expect(lines).toEqual([
      { code: 'token_expired', message: EXPIRED, suppressed: 0 },
      { code: 'token_expired', message: `${EXPIRED} (and 1049 more since the last line)`, suppressed: 1049 },
      { code: 'token_expired', message: `${EXPIRED} (and 2 more since the last line)`, suppressed: 2 },
      { code: 'token_expired', message: EXPIRED, suppressed: 0 },
    ])
  })

  it('does not suppress one code because of another', () => {
    const { lines, refuse } = started()
    refuse('credential_missing', 100_000)
    refuse('keys_unavailable')
    expect(lines.map(({ code }) => code)).toEqual(['credential_missing', 'keys_unavailable'])
  })

  it('has at most one line for each code, whatever the messages are', () => {
    const { lines, refuse } = started()
    for (const code of Object.keys(catalogue)) refuse(code as ErrorCode, 10)
    expect(lines).toHaveLength(Object.keys(catalogue).length)
  })

  it('does not affect the answer if the clock fails', () => {
    const logRefusal = createLogRefusal({
      monotonic: () => {
        throw new Error('no time')
      },
    })
    expect(() => logRefusal(new AuthError('token_expired'), () => {})).not.toThrow()
  })
})

const key = await createSigningKey()
const options = { issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks }
const view = (authorization?: string): RequestView => ({
  method: 'GET',
  target: '/',
  header: (name) => (name === 'authorization' && authorization !== undefined ? [authorization] : []),
})

describe('an authenticator with a log', () => {
  it('logs why each request is refused, with the code', async () => {
    const lines: unknown[][] = []
    const log = {
      level: 'warn',
      warn(...values: unknown[]) {
        // Called as a method of the logger.
        lines.push([this.level, ...values])
      },
    }
    const authenticator = createAuthenticator({ ...options, log })
    await authenticator.authenticate(view())
    await authenticator.authenticate(view('Bearer a.b.c'))
    await authenticator.authenticate(view('Bearer a.b.c'))
    const requirement = { description: 'an admin', scopes: [], isMet: () => false }
    void authenticator.authorize(await authenticator.verifier.verify(await key.sign(claims())), requirement)
    await authenticator.authenticate(view(`Bearer ${await key.sign(claims())}`))
    expect(lines).toEqual([
      ['warn', 'Request refused (credential_missing): The request carries no access token'],
      ['warn', expect.stringMatching(/^Request refused \(token_encoding\): A part of the token/)],
      ['warn', expect.stringMatching(/^Request refused \(requirement_not_met\): .*an admin/)],
    ])
  })

  it('measures the minute by the clock in the options', async () => {
    let now = 0
    const lines: string[] = []
    const clock = { now: () => Date.now(), monotonic: () => now }
    const log = { warn: (line: string) => lines.push(line) }
    const authenticator = createAuthenticator({ ...options, clock, log })
    for (const seconds of [0, 30, 59, 60, 61, 200]) {
      now = seconds * 1000
      await authenticator.authenticate(view())
    }
    expect(lines).toHaveLength(3)
    expect(lines[1]).toMatch(/\(and 2 more since the last line\)$/)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('boom')
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
    [
      'returns an object whose then throws',
      () =>
        new Proxy(
          {},
          {
            has: () => {
              throw new Error('boom')
            },
          },
        ),
    ],
    ['never ends', () => new Promise(() => {})],
  ])('does not change the answer if it %s', async (_name, warn) => {
    const silent = createAuthenticator(options)
    const logged = createAuthenticator({ ...options, log: { warn } })
    for (const credential of [undefined, 'Bearer', 'Bearer a.b.c', 'Basic YTpi'])
      expect(await logged.authenticate(view(credential))).toEqual(await silent.authenticate(view(credential)))
  })

  it('contains no token, whatever is wrong with the credential', async () => {
    const lines: string[] = []
    let now = 0
    const clock = { now: () => Date.now(), monotonic: () => (now += 60_000) }
    const authenticator = createAuthenticator({ ...options, clock, log: { warn: (line) => lines.push(line) } })
    const secrets = [await key.sign(claims({ exp: 1 })), 'opaque-secret-that-is-long-enough', 'a'.repeat(20_000)]
    for (const secret of secrets)
      for (const credential of [`Bearer ${secret}`, secret, `${secret} Bearer`, `DPoP ${secret}`, `Bearer ${secret},`])
        await authenticator.authenticate(view(credential))
    expect(lines).toHaveLength(15)
    for (const secret of secrets)
      expect(lines.filter((line) => line.includes(secret.slice(0, 16)) || line.includes(secret.slice(-16)))).toEqual([])
  })

  it.each([
    ['true', true],
    ['a function', () => {}],
    ['text', 'console'],
    ['an object without warn', { info: () => {} }],
    ['an object whose warn is text', { warn: 'x' }],
    ['null', null],
  ])('is rejected at start-up if it is %s', (_name, log) => {
    expect(() => createAuthenticator({ ...options, log } as never)).toThrow(
      /^Cannot create authenticator: "log" must (be false, or have a function "warn", as console does|not be null)/,
    )
  })

  it('can be false', () => {
    expect(() => createAuthenticator({ ...options, log: false })).not.toThrow()
  })
})

function claims(changes: object = {}): object {
  const now = Math.floor(Date.now() / 1000)
  return { iss: ISSUER, aud: AUDIENCE, sub: 'ada', iat: now, exp: now + 60, ...changes }
}

describe('a log', () => {
  it.each([false, console, { warn: () => {} }, Object.assign(() => {}, { warn: () => {} })])('may be %j', (log) => {
    expect(logOption.fits(log)).toBe(true)
  })

  it.each([true, null, undefined, {}, () => {}, 'console', { warn: true }])('cannot be %j', (log) => {
    expect(logOption.fits(log)).toBe(false)
  })
})
