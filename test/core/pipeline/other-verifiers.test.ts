import { describe, expect, it } from 'vitest'
import { joined, Report } from '../../../packages/core/src/pipeline/explain.ts'
import {
  clockOf,
  createJwtVerifier,
  createReferenceVerifier,
  createVerifier,
  timeOf,
  verifiesJwts,
} from '../../../packages/core/src/pipeline/verifier.ts'
import { systemClock } from '../../../packages/core/src/model/runtime.ts'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'
import { accessClaims, createSigningKey, NOW, verifierOptions } from '../../support/core/jose-tokens.ts'

const key = await createSigningKey()

describe('a verifier of JWTs that are no access tokens', () => {
  it('checks and returns the claims that a function gives', async () => {
    const seen: unknown[] = []
    const verifier = createJwtVerifier(verifierOptions(key), (claims) => {
      seen.push(claims.aud)
      return { ...claims, aud: 'https://api.example', nested: { changed: true } }
    })
    const token = await key.sign(accessClaims({ aud: 'logout' }))
    const { claims } = await verifier.verify(token)
    expect(claims).toMatchObject({ sub: 'ada', aud: 'https://api.example', nested: { changed: true } })
    expect([Object.isFrozen(claims), Object.isFrozen(claims['nested'])]).toEqual([true, true])
    await verifier.verify(token)
    expect(seen).toEqual(['logout', 'logout'])
  })

  it('refuses a wrong signature, and claims of another audience', async () => {
    const verifier = createJwtVerifier(verifierOptions(key), (claims) => ({ ...claims, aud: 'other' }))
    const token = await key.sign(accessClaims())
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'audience_mismatch' })
    await expect(verifier.verify(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toMatchObject({ code: 'signature_invalid' })
  })
})

describe('the reference verifier', () => {
  it('gives the answers of the other one, and keeps nothing', async () => {
    const verifier = createReferenceVerifier(verifierOptions(key))
    const token = await key.sign(accessClaims())
    const verified = await verifier.verify(token)
    expect(verified.claims).toEqual((await createVerifier(verifierOptions(key)).verify(token)).claims)
    expect(await verifier.verify(token)).not.toBe(verified)
    await expect(verifier.verify(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toMatchObject({ code: 'signature_invalid' })
  })
})

describe('the clock of a verifier', () => {
  it('is known for those that verify JWTs', () => {
    const verifier = createVerifier(verifierOptions(key))
    expect([verifiesJwts(verifier), verifiesJwts({ ...verifier })]).toEqual([true, false])
    expect(clockOf(verifier).now()).toBe(NOW * 1000)
    expect(clockOf({ ...verifier })).toBe(systemClock)
  })

  it('gives the time in seconds, or the runtime does', () => {
    expect(timeOf(createVerifier(verifierOptions(key)))).toBe(NOW)
    expect(timeOf(fakeVerifier({ now: () => 5000 }))).toBe(5)
    expect(timeOf(fakeVerifier())).toBeCloseTo(Date.now() / 1000, -2)
  })
})

describe('several explanations as one', () => {
  const passed = { accepted: true, summary: 'x', steps: [{ step: 'a', result: 'passed' }] } as const
  const skipped = { accepted: true, summary: 'x', steps: [{ step: 'b', result: 'skipped' }] } as const
  const failed = {
    accepted: false,
    code: 'token_expired',
    summary: 'Refused',
    steps: [{ step: 'c', result: 'failed' }],
  } as const

  it('has all the steps, and the first refusal', () => {
    expect(joined([passed])).toEqual({ accepted: true, summary: 'Accepted: every step passed', steps: passed.steps })
    expect(joined([passed, skipped])).toEqual({
      accepted: true,
      summary: 'Accepted: every step that was tried passed',
      steps: [...passed.steps, ...skipped.steps],
    })
    const steps = [...passed.steps, ...failed.steps]
    expect(joined([passed, failed, { ...failed, summary: 'Later', steps: [] }])).toEqual({ ...failed, steps })
    expect(Object.isFrozen(joined([passed]).steps)).toBe(true)
  })

  it('lists a step that was skipped with its hint', async () => {
    const report = new Report()
    await report.add(
      'a',
      () => 1,
      () => ({ expected: 1, actual: 2, hint: 'Hint' }),
    )
    report.skip('b', 'Not tried')
    report.skip('c')
    report.skip('cnf')
    expect(report.end()).toEqual({
      accepted: true,
      summary: 'Accepted: every step passed',
      steps: [
        { step: 'a', result: 'passed', expected: '1', actual: '2', hint: 'Hint' },
        { step: 'b', result: 'skipped', hint: 'Not tried' },
        { step: 'c', result: 'skipped' },
      ],
    })
    expect(['a', 'b', 'cnf'].map((name) => report.havePassed([name]))).toEqual([true, false, false])
    expect([report.havePassed('all'), new Report().havePassed('all')]).toEqual([false, true])
  })

  it('has an error that is no refusal as the reason, too', () => {
    const report = new Report()
    report.fail('a', new RangeError('bug'))
    report.fail('b', undefined)
    expect(report.end()).toMatchObject({
      accepted: false,
      summary: 'Refused: "bug"',
      steps: [{ step: 'a', result: 'failed', actual: 'an unexpected error', hint: '"bug"' }, { step: 'b' }],
    })
    expect(report.end()).not.toHaveProperty('code')
  })
})
