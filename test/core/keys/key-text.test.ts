import { validCertificate } from '@claimgate/testing'
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { jwkOfDer, readKeyText, validityOf } from '../../../packages/core/src/keys/key-text.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
const pem = String(ec.export({ type: 'spki', format: 'pem' })).trim()
const der = new Uint8Array(ec.export({ type: 'spki', format: 'der' }))
const certificate = Buffer.from(validCertificate.cert.replaceAll(/-----[^-]+-----/g, ''), 'base64')

const foundIn = (value: unknown): string => {
  const read = readKeyText(value)
  return read.kind === 'other' ? read.found : read.kind
}

/** The DER of an element. */
const element = (tag: number, ...content: readonly number[]): readonly number[] => [tag, content.length, ...content]
const time = (tag: number, text: string): readonly number[] => element(tag, ...new TextEncoder().encode(text))

describe('the text of a key', () => {
  it.each<readonly [string, unknown, string]>([
    ['a PEM', pem, 'pem'],
    ['a PEM without line breaks', pem.replaceAll('\n', ''), 'pem'],
    ['bytes of DER', der, 'der'],
    ['DER in base64', btoa(String.fromCharCode(...der)), 'der'],
    [
      'DER in base64 over several lines',
      Buffer.from(der)
        .toString('base64')
        .replaceAll(/(.{40})/g, '$1\n'),
      'der',
    ],
    ['DER in base64url with "_"', 'MAH_', 'der'],
    ['DER in base64url with "-"', 'MAH-', 'der'],
    ['DER with a length of three bytes', Uint8Array.of(0x30, 0x83, 0, 0, 1, 0x41), 'der'],
    ['bytes of another element', Uint8Array.of(4, 2, 0x41, 0x41), '4 characters of something else'],
    [
      'bytes with an indefinite length',
      Uint8Array.of(0x30, 0x80, ...new Uint8Array(128).fill(0x41)),
      '130 characters of something else',
    ],
    [
      'bytes with a length of four bytes',
      Uint8Array.of(0x30, 0x84, 0, 0, 0, 1, 0x41),
      '7 characters of something else',
    ],
    ['a JWK', { kty: 'EC' }, 'jwk'],
    ['a JWK in JSON, with white space in quotes', `' {"kty":"EC"} '`, 'jwk'],
    ['a JWK in JSON', '{"kty":"EC"}', 'jwk'],
    ['a JWK in base64', btoa('{"kty":"EC"}'), 'jwk'],
    ['a JWK Set', { keys: [] }, 'a JWK Set'],
    ['an object', {}, 'an object without "kty"'],
    ['a list in JSON', '[]', '2 characters of something else'],
    ['JSON that was cut off', '{"kty":', 'JSON that is damaged or cut off'],
    ['a list', [], 'a list'],
    ['a number', 7, 'a number'],
    ['nothing', undefined, 'undefined'],
    ['an empty text', ' "" ', 'an empty text'],
    ['another text', 'secret', '6 characters of something else'],
    ['a text that ends with a quoted word', 'say "hello"', '11 characters of something else'],
    ['a text that begins with a quoted word', '"hello" again', '13 characters of something else'],
    ['http', 'http://a.example', 'a URL'],
    ['https', 'HTTPS://a.example', 'a URL'],
    ['a text with a URL in it', 'see https://a.example', '21 characters of something else'],
    ['an RSA key of SSH', 'ssh-rsa AAAA', 'an SSH key'],
    ['an ECDSA key of SSH', 'ecdsa-sha2-nistp256 AAAA', 'an SSH key'],
    ['a security key of SSH', 'sk-ssh-ed25519 AAAA', 'an SSH key'],
    ['a public key file of SSH', '---- BEGIN SSH2 PUBLIC KEY ----', 'an SSH key'],
    ['a text with ssh in it', 'my ssh-rsa key', '14 characters of something else'],
    ...[
      '/etc/key',
      './key',
      '../key',
      '~/key',
      String.raw`\\share\key`,
      'C:\\key',
      'c:/key',
      'file:key',
      'key.pem',
      'a/b.CRT',
      'x.cer',
      'x.der',
      'x.key',
      'x.pub',
      'x.json',
    ].map((path): readonly [string, unknown, string] => [
      `the path ${path}`,
      path,
      'the path of a file: give what the file holds',
    ]),
    ['a word that ends like a file', 'x.pemx', '6 characters of something else'],
    ['a very long name', `${'x'.repeat(201)}.pem`, '205 characters of something else'],
    ['a PEM with a damaged first line', pem.replace('KEY-----', 'KEY---'), 'a PEM whose first line is damaged'],
    ['a PEM without its end', pem.slice(0, 80), 'a PEM that is cut off: it has no "-----END PUBLIC KEY-----"'],
    ['a PEM with other letters', pem.replace('MF', '??'), 'a PEM with characters that are not base64'],
    ['a PEM of no DER', pem.replace('MF', 'AA'), 'a PEM that is damaged or cut off'],
    ...['-----BEGIN PUBLIC KEY-----\n', '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----'].map(
      (text): readonly [string, unknown, string] => [
        `the PEM ${text}`,
        text,
        'only the first line of a PEM: put quotes around all its lines, write the line breaks as \\n, or give its base64',
      ],
    ),
  ])('that is %s is recognised as %s', (_, value, found) => {
    expect(foundIn(value)).toBe(found)
  })

  it('is the first block, and a private one if there is any', () => {
    const secret = `${pem}\n${pem.replaceAll('PUBLIC KEY', 'EC PRIVATE KEY')}`
    expect(readKeyText(`${pem}\n${validCertificate.cert}`)).toMatchObject({ kind: 'pem', label: 'PUBLIC KEY' })
    expect(readKeyText(secret)).toMatchObject({ label: 'EC PRIVATE KEY' })
    expect(readKeyText('-----BEGIN PRIVATE KEY-----')).toMatchObject({ kind: 'other', label: 'PRIVATE KEY' })
    expect('label' in readKeyText('secret')).toBe(false)
  })

  it.each([
    ['double quotes', `"${pem}"`],
    ['single quotes', `'${pem}'`],
    ['backticks', `\`${pem}\``],
    ['white space and quotes', ` "${pem}\n" `],
    ['escaped line breaks', pem.replaceAll('\n', String.raw`\n`)],
    ['doubly escaped line breaks', pem.replaceAll('\n', String.raw`\\r\\n`)],
    ['a remark before it', `Bag Attributes\n${pem}`],
  ])('is the same with %s', (_, text) => {
    expect(readKeyText(text)).toEqual({ kind: 'pem', label: 'PUBLIC KEY', der, pem })
  })

  it('may have doubly escaped carriage returns as its only line breaks', () => {
    expect(readKeyText(pem.replaceAll('\n', String.raw`\\r`))).toMatchObject({ kind: 'pem', label: 'PUBLIC KEY', der })
  })

  it('of an encrypted key keeps its headers, which are not base64', () => {
    const text = '-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----'
    expect(readKeyText(text)).toEqual({ kind: 'pem', label: 'EC PRIVATE KEY', der: new Uint8Array(), pem: text })
  })
})

describe('the key in DER', () => {
  it('is that of the JWK, from a key and from a certificate', () => {
    expect({ ...jwkOfDer('PUBLIC KEY', der) }).toEqual(ec.export({ format: 'jwk' }))
    expect(jwkOfDer('CERTIFICATE', certificate)).toMatchObject({ kty: 'EC', crv: 'P-256' })
    expect(jwkOfDer('CERTIFICATE', der)).toBeUndefined()
    expect(jwkOfDer('PUBLIC KEY', certificate)).toBeUndefined()
  })

  it.each([
    ['no bytes', []],
    ['one byte', [0x30]],
    ['an element that is longer than its container', [0x30, 5, 0x30, 9, 1, 1, 1]],
    ['an indefinite length', [0x30, 0x80, 0, 0]],
    ['a length of four bytes', [0x30, 0x84, 0, 0, 0, 0]],
    [
      'another tag than a bit string',
      element(0x30, ...element(0x30, ...element(6, 0x2b, 0x65, 0x70)), ...element(4, 0, 1)),
    ],
    [
      'bits that are no whole bytes',
      element(0x30, ...element(0x30, ...element(6, 0x2b, 0x65, 0x70)), ...element(3, 1, 1)),
    ],
    ['an unknown algorithm', element(0x30, ...element(0x30, ...element(6, 0x2b, 0x65, 0x79)), ...element(3, 0, 1))],
    [
      'an unknown curve',
      element(
        0x30,
        ...element(0x30, ...element(6, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1), ...element(6, 0x2b)),
        ...element(3, 0, 4),
      ),
    ],
  ])('is none with %s', (_, bytes) => {
    expect(jwkOfDer('PUBLIC KEY', Uint8Array.from(bytes))).toBeUndefined()
  })
})

describe('the validity of a certificate', () => {
  it('is read with either kind of time', () => {
    expect(validityOf(certificate)).toEqual({
      from: Date.parse('2020-01-01T00:00:00Z'),
      until: Date.parse('2099-12-31T23:59:59Z'),
    })
  })

  const certificateWith = (...times: readonly (readonly number[])[]): Uint8Array => {
    const fields = [element(2, 1), element(0x30), element(0x30), element(0x30, ...times.flat())]
    return Uint8Array.from(element(0x30, ...element(0x30, ...fields.flat())))
  }
  const UTC = 0x17
  const GENERALIZED = 0x18

  it.each([
    ['2049', [UTC, '491231235959Z'], '2049-12-31T23:59:59Z'],
    ['1950', [UTC, '500101000000Z'], '1950-01-01T00:00:00Z'],
    ['2050', [GENERALIZED, '20500102030405Z'], '2050-01-02T03:04:05Z'],
  ] as const)('may end in %s', (_, [tag, text], end) => {
    const validity = validityOf(certificateWith(time(UTC, '200101000000Z'), time(tag, text)))
    expect(validity).toEqual({ from: Date.parse('2020-01-01T00:00:00Z'), until: Date.parse(end) })
  })

  it.each([
    ['a single time', certificateWith(time(UTC, '200101000000Z'))],
    ['no time', certificateWith()],
    ['an end that is no time', certificateWith(time(UTC, '200101000000Z'), time(UTC, 'never'))],
    ['a time after other digits', certificateWith(time(UTC, '200101000000Z'), time(GENERALIZED, '+0020500102030405Z'))],
    ['a time before a zero byte', certificateWith(time(UTC, '200101000000Z'), time(GENERALIZED, '20500102030405Z\0'))],
    ['no fields', Uint8Array.from(element(0x30, ...element(0x30)))],
    ['a beginning that is no time', certificateWith(time(UTC, 'ever'), time(UTC, '200101000000Z'))],
    ['a key', der],
    ['nothing', new Uint8Array()],
  ])('is unknown with %s', (_, bytes) => {
    expect(validityOf(bytes)).toBeUndefined()
  })
})
