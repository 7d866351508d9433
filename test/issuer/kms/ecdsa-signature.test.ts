import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ecdsaSignature } from '../../../packages/issuer/src/kms/kms-algorithm.ts'

const CURVES = [
  { namedCurve: 'P-256', hash: 'sha256', coordinate: 32, signatures: 1200 },
  { namedCurve: 'P-384', hash: 'sha384', coordinate: 48, signatures: 500 },
  { namedCurve: 'P-521', hash: 'sha512', coordinate: 66, signatures: 500 },
]
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const element = (tag: string, content: string): string => {
  const length = content.length / 2
  return tag + (length < 0x80 ? '' : '81') + length.toString(16).padStart(2, '0') + content
}
const integer = (content: string): string => element('02', content)
const der = (r: string, s: string): Uint8Array => hex(element('30', integer(r) + integer(s)))

describe('an ECDSA signature in DER', () => {
  it.each(CURVES)('becomes r and s of $coordinate bytes each, $signatures times on $namedCurve', (curve) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve.namedCurve })
    const sizes = new Set<number>()
    for (let number = 0; number < curve.signatures; number++) {
      const message = Buffer.from(`message ${number}`)
      const inDer = sign(curve.hash, message, privateKey)
      sizes.add(inDer.length)
      const signature = ecdsaSignature(inDer, curve.coordinate)
      expect(signature).toHaveLength(2 * curve.coordinate)
      const fits = verify(curve.hash, message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature ?? message)
      expect(fits, inDer.toString('hex')).toBe(true)
    }
    expect(sizes.size, 'different lengths of DER').toBeGreaterThan(2)
  })

  const whole = 'ab'.repeat(32)
  it.each([
    ['the longest numbers', `00${whole}`, `00${whole}`, whole, whole],
    [
      'numbers without a high bit',
      `7f${'ab'.repeat(31)}`,
      `01${'00'.repeat(31)}`,
      `7f${'ab'.repeat(31)}`,
      `01${'00'.repeat(31)}`,
    ],
    ['a short r', `7f${'01'.repeat(29)}`, `00${whole}`, `00007f${'01'.repeat(29)}`, whole],
    ['a short s', `00${whole}`, `7f${'01'.repeat(30)}`, whole, `007f${'01'.repeat(30)}`],
    ['a short r with a high bit', `00ff${'01'.repeat(30)}`, `00${whole}`, `00ff${'01'.repeat(30)}`, whole],
    ['the smallest numbers', '01', '02', `${'00'.repeat(31)}01`, `${'00'.repeat(31)}02`],
  ])('keeps %s in their places', (_what, r, s, wantedR, wantedS) => {
    expect(ecdsaSignature(der(r, s), 32)).toEqual(hex(wantedR + wantedS))
  })

  it('may need the long form of a length on P-521', () => {
    const number = `01${'ff'.repeat(65)}`
    const signature = der(number, number)
    expect(signature[1]).toBe(0x81)
    expect(ecdsaSignature(signature, 66)).toEqual(hex(number + number))
  })
})

describe('a signature of 128 bytes of content', () => {
  const number = `01${'ff'.repeat(61)}`
  const content = integer(number) + integer(number)
  const padded = `${'00'.repeat(4)}${number}`

  it('needs the long form of a length', () => {
    expect(ecdsaSignature(hex(`308180${content}`), 66)).toEqual(hex(padded + padded))
    expect(ecdsaSignature(hex(`3080${content}`), 66)).toBeUndefined()
  })
})

describe('an invalid signature', () => {
  const r = `7f${'ab'.repeat(31)}`
  const good = Buffer.from(der(r, r)).toString('hex')
  const body = good.slice(4)

  it('is valid before each change in the table below', () => {
    expect(ecdsaSignature(hex(good), 32)).toEqual(hex(r + r))
  })

  it.each([
    ['nothing', ''],
    ['one byte', '30'],
    ['an empty sequence', '3000'],
    ['another outer tag', `31${good.slice(2)}`],
    ['another inner tag', good.replace(integer(r), element('03', r))],
    ['another tag for s', good.slice(0, 4) + integer(r) + element('04', r)],
    ['an extra byte at the end', `${good}00`],
    ['a missing byte', good.slice(0, -2)],
    ['a byte after s', element('30', `${body}00`)],
    ['a third number', element('30', body + integer('01'))],
    ['one number', element('30', integer(r))],
    ['a number that ends beyond the sequence', `3043${body.slice(0, 68)}0221${r}`],
    ['an unnecessary long form of a length', `3081${good.slice(2)}`],
    ['a length of two bytes', `308200${good.slice(2)}`],
    ['an indefinite length', `3080${body}0000`],
    ['an integer with an unnecessary long form of its length', element('30', `028120${r}${integer(r)}`)],
    ['a number without bytes', element('30', '0200' + integer(r))],
    ['zero for r', element('30', integer('00') + integer(r))],
    ['zero for s', element('30', integer(r) + integer('00'))],
    ['a negative r', element('30', integer(`80${'ab'.repeat(31)}`) + integer(r))],
    ['a negative s', element('30', integer(r) + integer('ff'))],
    ['an unnecessary leading zero', element('30', integer(`00${r}`) + integer(r))],
    ['two leading zeros', element('30', integer(`0000${'ab'.repeat(31)}`) + integer(r))],
    ['an r that is too long', element('30', integer(`01${'00'.repeat(32)}`) + integer(r))],
    ['an s that is too long', element('30', integer(r) + integer(`00ff${'00'.repeat(32)}`))],
    ['concatenated r and s', r + r],
  ])('is %s', (_what, text) => {
    expect(ecdsaSignature(hex(text), 32)).toBeUndefined()
  })
})
