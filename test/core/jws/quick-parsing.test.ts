import { createHmac } from 'node:crypto'

import { createVerifier } from '@claimgate/core'
import { createReferenceVerifier } from '@claimgate/core/extend'
import { afterEach, describe, expect, it } from 'vitest'

import { accessClaims, encode, optionsWith, refusalOf } from '../../support/core/refusal.ts'

// Signed with a secret, so that tests can sign any parts.
const secret = Buffer.alloc(32, 5)
const options = optionsWith({ secret })
const header = encode({ alg: 'HS256', typ: 'at+jwt' })
const signatureOf = (input: string): string => createHmac('sha256', secret).update(input).digest('base64url')
const signed = (claims: string, first = header): string => `${first}.${claims}.${signatureOf(`${first}.${claims}`)}`
const plain = JSON.stringify(accessClaims())
const withMember = (member: string): string => signed(encode(`${plain.slice(0, -1)},${member}}`))

/** The code of a refusal, which must be the same on the plain path and from a verifier with warm caches. */
async function codeOf(token: string, changes: object = {}): Promise<string> {
  const verifiers = [createReferenceVerifier, createVerifier].map((create) => create({ ...options, ...changes }))
  const codes = await Promise.all(
    verifiers.map(async (verifier) => {
      await verifier.verify(signed(encode(plain)))
      return verifier.verify(token).then(
        () => 'verified',
        ({ code }: { code: string }) => code,
      )
    }),
  )
  expect(new Set(codes).size, codes.join(' and ')).toBe(1)
  return codes[0] ?? ''
}

describe('11. The quick parser also requires canonical base64url', () => {
  // Claims of each length, so that two, four and no bits remain.
  const lengths = ['x', 'xx', 'xxx'].map((jti) => encode(JSON.stringify(accessClaims({ jti }))))
  const tokens = lengths.map((claims) => signed(claims))

  it.each([0, 1, 2])('accepts the token that is changed below, %i', async (index) => {
    expect(await codeOf(tokens[index] ?? '')).toBe('verified')
  })

  const replaced = (text: string, at: number, character: string): string =>
    text.slice(0, at) + character + text.slice(at + 1)

  it.each([' ', '\n', '\r', '\t', '\f', '=', '+', '/', '.', '\u00a0', '\u0141', '\u0161', '\u{1f600}'])(
    'refuses %j in any position, signed or not',
    async (character) => {
      for (const claims of lengths)
        for (const at of [0, 1, 40, claims.length - 1, claims.length]) {
          for (const changed of [replaced(claims, at, character), claims.slice(0, at) + character + claims.slice(at)])
            expect(await codeOf(signed(changed))).toMatch(/^token_/)
          const signature = signatureOf(`${header}.${claims}`)
          const place = Math.min(at, signature.length)
          for (const changed of [replaced(signature, place, character), signature.slice(0, place) + character])
            expect(await codeOf(`${header}.${claims}.${changed}`)).toMatch(/^token_/)
          expect(await codeOf(signed(claims, replaced(header, Math.min(at, header.length), character)))).toMatch(
            /^token_/,
          )
        }
    },
  )

  it('accepts claims with the last two letters of the alphabet, and refuses those of the other alphabet', async () => {
    const claims = encode(JSON.stringify(accessClaims({ jti: '???>>>~~~ ???>>>~~~  ???>>>~~~' })))
    expect(claims).toMatch(/-.*_|_.*-/)
    expect(await codeOf(signed(claims))).toBe('verified')
    const plus = claims.replaceAll('-', '+')
    for (const other of [plus, claims.replaceAll('_', '/'), plus.replaceAll('_', '/')])
      expect(await codeOf(signed(other))).toBe('token_encoding')
  })

  it('refuses padding, and lengths of 1 modulo 4', async () => {
    for (const claims of lengths)
      for (const end of ['=', '==', '===', '====']) expect(await codeOf(signed(claims + end))).toBe('token_encoding')
    for (const claims of lengths.filter(({ length }) => length % 4 === 0))
      expect(await codeOf(signed(`${claims}A`))).toBe('token_encoding')
  })

  it('refuses every other spelling of the same bytes', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spellings = (text: string): readonly string[] =>
      alphabet
        .split('')
        .map((character) => text.slice(0, -1) + character)
        .filter((other) => other !== text && Buffer.from(other, 'base64url').equals(Buffer.from(text, 'base64url')))
    let refused = 0
    for (const claims of lengths) {
      const signature = signatureOf(`${header}.${claims}`)
      for (const other of spellings(claims)) expect(await codeOf(signed(other))).toBe('token_encoding')
      for (const other of spellings(signature))
        expect(await codeOf(`${header}.${claims}.${other}`)).toBe('token_encoding')
      refused += spellings(claims).length + spellings(signature).length
    }
    // 15 for two characters in the last group, 3 for three; a signature has 43.
    expect(refused).toBe(15 + 3 + 3 * 3)
  })
})

describe('13. The quick parser accepts no duplicate member', () => {
  it.each([
    ['a claim', '"sub":"eve"'],
    ['a claim, with an escape', String.raw`"\u0073ub":"eve"`],
    ['a nested member', '"x":{"a":1,"a":2}'],
    ['a member in a list', '"x":[{"a":1,"b":2,"a":3}]'],
    ['a member, balanced by a list with as many items', '"x":[1,2,3],"sub":"eve"'],
    ['a member, with colons in a text', '"x":"a:b:c","sub":"eve"'],
    ['a claim, after a text with a quote', String.raw`"x":"\"","sub":"eve"`],
    ['a member, whose colon is hidden by escaped quotes', String.raw`"x":"\"","x":"\""`],
    ['a claim with a number as its name', '"1":1,"1":2'],
  ])('refuses %s', async (_, member) => {
    expect(await codeOf(withMember(member))).toBe('json_duplicate_member')
  })
})

describe('14. The quick parser changes no prototype, and is not affected by one', () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>
  afterEach(() => {
    delete prototype['polluted']
  })

  it.each([
    ['__proto__', '"__proto__":{"admin":true}'],
    ['__proto__ that is null', '"__proto__":null'],
    ['__proto__ inside', '"x":{"__proto__":{"admin":true}}'],
    ['__proto__ inside a list', '"x":[{"__proto__":1}]'],
    ['__proto__, with an escape', String.raw`"\u005f_proto__":1`],
  ])('refuses %s', async (_, member) => {
    expect(await codeOf(withMember(member))).toBe('json_forbidden_member')
  })

  it('ignores members of a polluted Object.prototype', async () => {
    prototype['polluted'] = 1
    expect(await codeOf(withMember('"sub":"eve"'))).toBe('json_duplicate_member')
    expect(await codeOf(withMember('"x":{"a":1,"a":2}'))).toBe('json_duplicate_member')
    expect(await codeOf(withMember('"x":{"a":1,"b":2}'))).toBe('verified')
  })
})

describe('15. The quick parser has the same limits', () => {
  it('for depth, members and values', async () => {
    const deep = (levels: number): string => `"x":${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(await codeOf(withMember(deep(15)))).toBe('verified')
    expect(await codeOf(withMember(deep(16)))).toBe('json_limits')
    const wide = (count: number): string => Array.from({ length: count }, (_, index) => `"a${index}":0`).join()
    expect(await codeOf(withMember(wide(1016)))).toBe('verified')
    expect(await codeOf(withMember(wide(1017)))).toBe('json_limits')
    const many = (count: number): string => Array.from({ length: count }, (_, index) => `"a${index}":[0]`).join()
    const limits = { nodes: 40 }
    expect(await codeOf(withMember(many(15)), { limits })).toBe('verified')
    expect(await codeOf(withMember(many(16)), { limits })).toBe('json_limits')
  })

  it('and refuses control characters and bytes that are not UTF-8', async () => {
    expect(await codeOf(withMember('"x":"a\tb"'))).toBe('json_malformed')
    expect(
      await codeOf(
        signed(encode(Buffer.concat([Buffer.from(plain.slice(0, -1)), Buffer.from([44, 34, 0xe9, 34, 58, 49, 125])]))),
      ),
    ).toBe('json_malformed')
    expect(await codeOf(signed(encode(`\ufeff${plain}`)))).toBe('json_malformed')
  })

  it('reports faults in the words of the plain path', async () => {
    for (const token of [withMember('"sub":"eve"'), signed(`${encode(plain)}=`), withMember('"__proto__":1')]) {
      const [ours, reference] = [await refusalOf(token, options), createReferenceVerifier(options)]
      await expect(reference.verify(token)).rejects.toMatchObject({ message: ours.message, hint: ours.hint })
    }
  })
})
