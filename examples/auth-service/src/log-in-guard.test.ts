import { createIssuer } from '@claimgate/issuer'
import { afterEach, describe, expect, it } from 'vitest'
import { createApp } from './app.ts'
import type { CredentialCheck } from './credentials.ts'
import { type Listener, openListener } from './listener.ts'
import { createLogInGuard } from './log-in-guard.ts'
import { ownTokens } from './own-tokens.ts'

const ada = { userName: 'ada', role: 'reader', passwordHash: '' } as const
const check: CredentialCheck = async ({ userName, password }) =>
  userName === 'ada' && password === 'right' ? ada : undefined

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `name-${index}`)

describe('many log-ins from one address', () => {
  it('are limited whatever the names, without affecting other addresses', async () => {
    const guard = createLogInGuard(check, { addressAttempts: { attempts: 3 } })
    const kinds: string[] = []
    for (const userName of names(5)) kinds.push((await guard('10.0.0.1', { userName, password: 'x' })).kind)
    expect(kinds).toEqual(['wrong', 'wrong', 'wrong', 'limited', 'limited'])
    expect(await guard('10.0.0.2', { userName: 'ada', password: 'right' })).toEqual({ kind: 'right', user: ada })
  })

  it('do not count if they succeed, and add no attempts for other names', async () => {
    const guard = createLogInGuard(check, { addressAttempts: { attempts: 2 } })
    const attempt = async (userName: string, password: string): Promise<string> =>
      (await guard('10.0.0.1', { userName, password })).kind
    for (let round = 0; round < 5; round += 1) expect(await attempt('ada', 'right')).toBe('right')
    expect(await attempt('eve', 'x')).toBe('wrong')
    expect(await attempt('ada', 'right')).toBe('right')
    expect(await attempt('bob', 'x')).toBe('wrong')
    expect(await attempt('ada', 'right')).toBe('limited')
  })
})

describe('many log-ins at once', () => {
  let listener: Listener | undefined
  afterEach(async () => listener?.pause())

  it('are answered 503 with Retry-After if the queue is full, without hashing, and do not count', async () => {
    const release: (() => void)[] = []
    let compared = 0
    const slow: CredentialCheck = async (credentials) => {
      compared += 1
      await new Promise<void>((resolve) => release.push(resolve))
      return check(credentials)
    }
    const guard = createLogInGuard(slow, {
      passwordChecks: { atOnce: 1, waiting: 1 },
      addressAttempts: { attempts: 3 },
    })
    listener = await openListener('127.0.0.1', 0)
    const issuer = await createIssuer({ issuer: listener.url })
    const ended = { ownTokens: ownTokens(issuer, 'test', undefined), endSession: async () => {} }
    listener.serve(createApp({ issuer, guard, clientId: 'test', ...ended }))
    const logIn = async (userName: string): Promise<Response> =>
      fetch(`${listener?.url}/api/v1/auth`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ userName, password: 'right' }),
      })

    const answers = names(4).map(logIn)
    const turnedAway = [await Promise.race(answers), await logIn('late')]
    expect(turnedAway.map(({ status }) => status)).toEqual([503, 503])
    expect(turnedAway[0]?.headers.get('retry-after')).toBe('5')
    expect(compared).toBe(1)

    const drain = setInterval(() => release.shift()?.(), 1)
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    // Two have failed and those answered 503 do not count, so there is one attempt left.
    const last = await logIn('ada')
    clearInterval(drain)
    expect(statuses.toSorted()).toEqual([401, 401, 503, 503])
    expect(last.status).toBe(200)
  })
})
