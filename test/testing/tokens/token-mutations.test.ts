import { describe, expect, it } from 'vitest'

import { createTestKeys } from '../../../packages/testing/src/keys/test-keys.ts'
import { createRandom } from '../../../packages/testing/src/random.ts'
import { type TokenMutation, tokenMutations } from '../../../packages/testing/src/tokens/token-mutations.ts'

const keys = await createTestKeys('ES256')
const token = await signed()
const other = await keys.sign({ sub: 'bob' })

/** The claims and the signature have a letter that the two base64 alphabets write differently. */
async function signed(): Promise<string> {
  for (;;) {
    const made = await keys.sign({
      iss: 'https://issuer.example',
      aud: ['a', 'b'],
      sub: 'alice?????',
      exp: 1_700_000_300,
    })
    if (/_[^.]*\.[^.]*[-_][^.]*$/.test(made)) return made
  }
}

function take(count: number, seed: number, others?: readonly string[]): readonly TokenMutation[] {
  return tokenMutations(token, createRandom(seed), others === undefined ? {} : { others })
    .take(count)
    .toArray()
}

/** The results of only one change. */
const many = take(20_000, 1, [other])
const madeBy = (name: string): readonly string[] =>
  many.filter(({ changes }) => changes.length === 1 && changes[0] === name).map((mutation) => mutation.token)
const parts = (text: string) => text.split('.')
const originals = parts(token)

describe('tokenMutations', () => {
  it('repeats itself for a seed', () => {
    expect(take(500, 42)).toEqual(take(500, 42))
    expect(take(500, 42)).not.toEqual(take(500, 43))
  })

  it('makes one to three changes, of every kind', () => {
    const kinds = new Set(many.flatMap(({ changes }) => changes))
    expect(kinds.size).toBe(22)
    expect(new Set(many.map(({ changes }) => changes.length))).toEqual(new Set([1, 2, 3]))
  })

  it('never returns the original, and rarely the same token twice', () => {
    expect(many.filter((mutation) => mutation.token === token)).toEqual([])
    expect(new Set(many.map((mutation) => mutation.token)).size).toBeGreaterThan(many.length / 2)
  })

  it.each([
    ['flip', (text: string) => text.length === token.length],
    ['insert', (text: string) => text.length === token.length + 1],
    ['delete', (text: string) => text.length < token.length && text.length >= token.length - 4],
    ['truncate', (text: string) => token.startsWith(text)],
    ['truncate-front', (text: string) => token.endsWith(text)],
    ['duplicate', (text: string) => text.length > token.length],
    ['swap-parts', (text: string) => parts(text).toSorted().join() === originals.toSorted().join()],
    ['drop-part', (text: string) => parts(text).length === 2],
    ['empty-part', (text: string) => parts(text).filter((part) => part === '').length === 1],
    ['double-part', (text: string) => parts(text).length === 4],
    ['pad', (text: string) => /=(\.|$)/.test(text)],
    ['standard-alphabet', (text: string) => text.replaceAll('+', '-').replaceAll('/', '_') === token],
    ['trailing-bits', (text: string) => text.length === token.length && text !== token],
    ['longer-remainder', (text: string) => /A(\.|$)|AB(\.|$)|ABC(\.|$)/.test(text)],
  ])('%s makes the change that it names', (name, holds) => {
    const made = madeBy(name)
    expect(made.length).toBeGreaterThan(100)
    expect(made.filter((text) => !holds(text))).toEqual([])
  })

  it.each([
    ['header-member', 0],
    ['header-text', 0],
    ['header-space', 0],
    ['claims-member', 1],
    ['claims-text', 1],
    ['claims-space', 1],
  ])('%s changes only that part', (name, index) => {
    const made = madeBy(name)
    expect(made.length).toBeGreaterThan(100)
    for (const text of made) expect(parts(text).with(index, '')).toEqual(originals.with(index, ''))
    expect(made.filter((text) => parts(text)[index] === originals[index]).length).toBeLessThan(made.length / 10)
  })

  it('adds white space that leaves some headers correct JSON with the same members', () => {
    const header = (text: string) => Buffer.from(parts(text)[0] ?? '', 'base64url').toString()
    const same = madeBy('header-space').filter((text) => {
      try {
        return JSON.stringify(JSON.parse(header(text))) === header(token)
      } catch {
        return false
      }
    })
    expect(same.length).toBeGreaterThan(50)
  })

  it('inserts parts of other tokens', () => {
    const whole = madeBy('splice').filter(
      (text) => parts(text)[1] === parts(other)[1] && parts(text)[0] === originals[0],
    )
    expect(whole.length).toBeGreaterThan(10)
  })

  it.each(['', '.', '...', 'x', '\u0000'])('accepts the malformed token %j', (strange) => {
    const made = tokenMutations(strange, createRandom(1), { others: [] }).take(2_000).toArray()
    expect(made.every((mutation) => typeof mutation.token === 'string')).toBe(true)
  })
})
