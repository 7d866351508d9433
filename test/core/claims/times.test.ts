import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClaimCheck, ClaimSubject } from '../../../packages/core/src/claims/claim-checks.ts'
import { times } from '../../../packages/core/src/claims/times.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { NOW } from '../../support/core/jose-tokens.ts'

const answerOf = (checks: readonly ClaimCheck[], subject: ClaimSubject, now: number): string => {
  try {
    for (const claimCheck of checks) claimCheck.check(subject, { now })
    return 'passed'
  } catch (error) {
    return error instanceof AuthError ? error.message : String(error)
  }
}

const offset = fc.oneof(fc.integer({ min: -400, max: 400 }), fc.double({ min: -400, max: 400, noNaN: true }))
const time = offset.map((seconds) => NOW + seconds)
const claim = fc.oneof({ weight: 6, arbitrary: time }, fc.constantFrom<unknown>(undefined, null, 'soon', Infinity))
const rules = fc.record({
  clockTolerance: fc.constantFrom(0, 0.1, 5, 60, 300),
  maxAge: fc.constantFrom(undefined, 1, 60, 300.5),
})

describe('the combined check of times', () => {
  it('gives the same answer as its parts, whatever the claims are', () => {
    fc.assert(
      fc.property(rules, fc.record({ exp: claim, nbf: claim, iat: claim }), time, (given, claims, now) => {
        const combined = times(given)
        const subject = { header: { alg: 'ES256' }, claims } as unknown as ClaimSubject
        expect(answerOf([combined], subject, now)).toBe(answerOf(combined.parts, subject, now))
      }),
      { numRuns: 5000 },
    )
  })

  it('gives a period in which every part passes', () => {
    expect.hasAssertions()
    fc.assert(
      fc.property(rules, fc.record({ exp: claim, nbf: claim, iat: claim }), fc.double(), (given, claims, share) => {
        const { parts, periodOf } = times(given)
        const subject = { header: { alg: 'ES256' }, claims } as unknown as ClaimSubject
        const { from, until } = periodOf(subject.claims)
        const [first, last] = [Math.max(from, NOW - 1e6), Math.min(until, NOW + 1e6)]
        const now = first + (last - first) * Math.abs(share % 1)
        if (now > from && now < until) expect(answerOf(parts, subject, now)).toBe('passed')
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['an ordinary token', { exp: NOW + 600, iat: NOW - 60 }, undefined, [NOW - 119, NOW + 604]],
    ['nbf', { exp: NOW + 600, nbf: NOW, iat: NOW }, undefined, [NOW - 4, NOW + 604]],
    ['no iat', { exp: NOW + 600 }, undefined, [-Infinity, NOW + 604]],
    ['maxAge', { exp: NOW + 600, iat: NOW }, 60, [NOW - 59, NOW + 64]],
    ['maxAge without iat', { exp: NOW + 600 }, 60, [-Infinity, -Infinity]],
    ['no exp', { iat: NOW }, undefined, [Infinity, -Infinity]],
    ['exp as a text', { exp: String(NOW + 600) }, undefined, [Infinity, -Infinity]],
    ['nbf as a text', { exp: NOW + 600, nbf: '1' }, undefined, [Infinity, -Infinity]],
    ['iat as a text', { exp: NOW + 600, iat: '1' }, undefined, [Infinity, -Infinity]],
  ])('has a period a second short on both sides: %s', (_, claims, maxAge, [from, until]) => {
    const { periodOf } = times({ clockTolerance: 5, maxAge })
    expect(periodOf(claims as ClaimSubject['claims'])).toEqual({ from, until })
  })
})
