import type { Claims } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { times } from '../../../packages/core/src/claims/times.ts'
import { checkResult } from '../../support/core/check-result.ts'

const NOW = Date.parse('2030-01-02T03:04:05Z') / 1000
const CLOCKS = 'compare the clocks of the issuer and of this server'

/** What `explain` shows of one of the times, or the log of a refused one. */
function shown(name: string, claims: object, rules: { clockTolerance?: number; maxAge?: number } = {}): unknown {
  const { parts } = times({ clockTolerance: 5, ...rules })
  const part = parts.find(({ step }) => step === name)
  if (part === undefined) throw new Error(`no part checks ${name}`)
  return checkResult(part, claims as Claims, NOW)
}

describe('the times of a token', () => {
  it('are checked in the order exp, nbf, iat, again at every use of a cached token', () => {
    const { parts, ...combined } = times({ clockTolerance: 5 })
    expect(combined).toMatchObject({ step: 'times', dependsOn: 'time' })
    expect(parts.map(({ step, dependsOn }) => [step, dependsOn])).toEqual([
      ['exp', 'time'],
      ['nbf', 'time'],
      ['iat', 'time'],
    ])
  })

  it('are compared one by one, not together', () => {
    expect(checkResult(times({ clockTolerance: 5 }), { exp: NOW + 60 }, NOW)).toEqual({})
  })

  it.each<readonly [string, string, object, unknown]>([
    ['exp', 'exp', { exp: NOW }, { expected: 'after 2030-01-02T03:04:00.000Z', actual: '2030-01-02T03:04:05.000Z' }],
    ['no nbf', 'nbf', {}, { expected: 'absent, or in the past', actual: 'absent' }],
    ['nbf of null', 'nbf', { nbf: null }, { expected: 'absent, or in the past', actual: 'absent' }],
    [
      'nbf',
      'nbf',
      { nbf: NOW + 5 },
      { expected: 'at or before 2030-01-02T03:04:10.000Z', actual: '2030-01-02T03:04:10.000Z' },
    ],
    ['no iat', 'iat', {}, { expected: 'absent, or in the past', actual: 'absent' }],
    [
      'iat',
      'iat',
      { iat: NOW - 1 },
      { expected: 'at or before 2030-01-02T03:05:05.000Z', actual: '2030-01-02T03:04:04.000Z' },
    ],
    [
      'a time no calendar has',
      'exp',
      { exp: 1e300 },
      { expected: 'after 2030-01-02T03:04:00.000Z', actual: '1e+300 s' },
    ],
  ])('are shown as dates: %s', (_, name, claims, expected) => {
    expect(shown(name, claims)).toEqual(expected)
  })

  it.each<readonly [string, string, object, object]>([
    [
      'expired',
      'exp',
      { exp: NOW - 7200 },
      {
        code: 'token_expired',
        expected: '"after 2030-01-02T03:04:00.000Z"',
        actual: '"2030-01-02T01:04:05.000Z"',
        hint: 'It expired 2 hours ago',
      },
    ],
    ['without exp', 'exp', {}, { code: 'claim_missing', expected: '"exp"', actual: 'nothing' }],
    [
      'not yet valid',
      'nbf',
      { nbf: NOW + 6 },
      {
        code: 'token_not_yet_valid',
        expected: '"at or before 2030-01-02T03:04:10.000Z"',
        actual: '"2030-01-02T03:04:11.000Z"',
        hint: `It is 6 seconds ahead: ${CLOCKS}`,
      },
    ],
    [
      'issued in the future',
      'iat',
      { iat: NOW + 61 },
      {
        code: 'token_issued_in_future',
        expected: '"at or before 2030-01-02T03:05:05.000Z"',
        actual: '"2030-01-02T03:05:06.000Z"',
        hint: `It is 61 seconds ahead: ${CLOCKS}`,
      },
    ],
    [
      'with exp of null',
      'exp',
      { exp: null },
      { code: 'claim_malformed', expected: '"exp: a number"', actual: '"object"' },
    ],
    [
      'with iat of null',
      'iat',
      { iat: null },
      { code: 'claim_malformed', expected: '"iat: a number"', actual: '"object"' },
    ],
    [
      'with nbf as a text',
      'nbf',
      { nbf: '1' },
      { code: 'claim_malformed', expected: '"nbf: a number"', actual: '"string"' },
    ],
  ])('refuse a token %s, and say why', (_, name, claims, refusal) => {
    expect(shown(name, claims)).toEqual(refusal)
  })

  it('refuse a token older than maxAge and the tolerance, and say which option to raise', () => {
    const rules = { maxAge: 60 }
    const oldest = { expected: 'at or before 2030-01-02T03:05:05.000Z', actual: '2030-01-02T03:03:00.000Z' }
    expect(shown('iat', { iat: NOW - 65 }, rules)).toEqual(oldest)
    expect(shown('iat', { iat: NOW - 66.2 }, rules)).toEqual({
      code: 'token_too_old',
      expected: '"at most 60 s old"',
      actual: '"66 s old"',
      hint: 'That is "maxAge" of the configuration: raise it if the issuer is right',
    })
    expect(shown('iat', {}, rules)).toEqual({ code: 'claim_missing', expected: '"iat"', actual: 'nothing' })
  })
})
