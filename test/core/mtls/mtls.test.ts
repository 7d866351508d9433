import { AuthError, type RequestView, type VerifiedToken } from '@claimgate/core'
import { mtls, type MtlsOptions } from '@claimgate/core/mtls'
import { X509Certificate } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { createCertificate, FIELDS } from '../../support/mtls/certificates.ts'
import { outcomeOf, viewOf } from '../../support/mtls/confirming.ts'

const client = createCertificate('client')
const other = createCertificate('other')
const field = FIELDS.rfc9440(client)

describe('42. a certificate of the connection', () => {
  const binding = mtls({ from: 'connection' })
  const sent = (der: unknown): RequestView => viewOf({}, { clientCertificate: () => der as Uint8Array })

  it('confirms the tokens that are bound to it, and no others', async () => {
    expect(binding.confirmation).toBe('x5t#S256')
    expect(binding.scheme).toBeUndefined()
    expect(await outcomeOf(binding, client.thumbprint, sent(client.der))).toBe('confirmed')
    expect(await outcomeOf(binding, other.thumbprint, sent(client.der))).toBe('binding_failed')
  })

  it('is never taken from a header field', async () => {
    const fields = { 'client-cert': [field], 'x-forwarded-client-cert': [`Cert="${encodeURIComponent(client.cert)}"`] }
    expect(await outcomeOf(binding, client.thumbprint, viewOf(fields))).toBe('binding_failed')
    expect(await outcomeOf(binding, client.thumbprint, viewOf(fields, { clientCertificate: () => undefined }))).toBe(
      'binding_failed',
    )
  })

  it('is read from views that are instances of a class', async () => {
    class View {
      readonly method = 'GET'
      readonly target = '/'
      readonly #der = client.der
      header(): readonly string[] {
        return []
      }
      clientCertificate(): Uint8Array {
        return this.#der
      }
    }
    expect(await outcomeOf(binding, client.thumbprint, new View())).toBe('confirmed')
  })

  it.each<[string, unknown]>([
    ['text', client.cert],
    ['null', null],
    ['a promise', Promise.resolve(client.der)],
    ['an object', new X509Certificate(client.cert)],
  ])('is a bug of the adapter if it is %s', async (_name, der) => {
    expect(await outcomeOf(binding, client.thumbprint, sent(der))).toEqual(
      new TypeError('clientCertificate() of a request view must return DER bytes or undefined'),
    )
  })
})

describe('42. a view that rejects', () => {
  it('causes no unhandled rejection', async () => {
    const clientCertificate = (): never => Promise.reject(new Error('no certificate')) as never
    const outcome = await outcomeOf(mtls({ from: 'connection' }), client.thumbprint, viewOf({}, { clientCertificate }))
    expect(outcome).toBeInstanceOf(TypeError)
  })
})

describe('42. the thumbprint in a token', () => {
  const digest = Buffer.from(client.thumbprint, 'base64url')

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 1],
    ['a list', [client.thumbprint]],
    ['an object', { toString: () => client.thumbprint }],
    ['padded', `${client.thumbprint}=`],
    ['base64', digest.toString('base64')],
    ['hexadecimal', digest.toString('hex')],
    ['shorter', client.thumbprint.slice(0, -1)],
    ['longer', `${client.thumbprint}A`],
    ['in another case', client.thumbprint.toUpperCase()],
    ['followed by a line break', `${client.thumbprint}\n`],
    [
      'one with unused bits',
      client.thumbprint.slice(0, -1) + String.fromCharCode(client.thumbprint.charCodeAt(42) + 1),
    ],
  ])('is refused if it is %s', async (_name, thumbprint) => {
    const view = viewOf({ 'client-cert': [field] }, { clientCertificate: () => client.der })
    expect(await outcomeOf(mtls({ from: 'connection' }), thumbprint, view)).toBe('binding_failed')
  })
})

describe('42. the refusal for the log', () => {
  const told = async (options: MtlsOptions, thumbprint: unknown, view: RequestView): Promise<unknown> => {
    const credential = { scheme: 'Bearer', token: '' }
    const refused = mtls(options).confirm(thumbprint, {} as VerifiedToken, view, credential)
    const error = await refused.catch((thrown: unknown) => thrown)
    expect(String(error)).not.toContain(client.der.toString('base64').slice(0, 20))
    return error instanceof AuthError && [error.code, error.expected, error.actual, error.hint]
  }
  const header = (trusted: boolean, format: 'rfc9440' | 'cloudflare' = 'rfc9440'): MtlsOptions => ({
    from: 'header',
    name: 'client-cert',
    format,
    trust: () => trusted,
  })
  const sent = (...fields: readonly string[]): RequestView => viewOf({ 'client-cert': fields })
  const connection = { from: 'connection' } as const

  it.each<[string, MtlsOptions, unknown, RequestView, readonly string[]]>([
    ['a wrong thumbprint', connection, 'x', sent(), ['the base64url of a SHA-256 digest', 'something else']],
    ['a longer thumbprint', connection, `${client.thumbprint}A`, sent(), ['the base64url of a SHA-256 digest']],
    ['text before a thumbprint', connection, `-${client.thumbprint}`, sent(), ['the base64url of a SHA-256 digest']],
    ['a thumbprint in a list', connection, [client.thumbprint], sent(), ['the base64url of a SHA-256 digest']],
    ['no certificate', connection, client.thumbprint, sent(), ['a client certificate', 'a connection without one']],
    ['no trust', header(false), client.thumbprint, sent(field), ['a client certificate', 'does not accept']],
    ['no field', header(true), client.thumbprint, sent(), ['one header field with a certificate', '0']],
    ['two fields', header(true), client.thumbprint, sent(field, field), ['one header field', '2']],
    [
      'a placeholder',
      header(true),
      client.thumbprint,
      sent('-'),
      ['one certificate in the format rfc9440', 'something else'],
    ],
    ['another certificate', header(true), other.thumbprint, sent(field), ['bound to', 'another certificate']],
    [
      'a certificate that is not verified',
      header(true, 'cloudflare'),
      client.thumbprint,
      sent(field),
      ['cf-cert-verified: true', 'not verified'],
    ],
  ])('tells of %s', async (_name, options, thumbprint, view, words) => {
    const text = JSON.stringify(await told(options, thumbprint, view))
    expect(text).toContain('binding_failed')
    for (const word of words) expect(text).toContain(word)
    expect(text.includes('The server must request certificates')).toBe(words.includes('a connection without one'))
  })
})

describe('42. trust in a header field', () => {
  const withTrust = (trust: (view: RequestView) => unknown): ReturnType<typeof mtls> =>
    mtls({ from: 'header', name: 'Client-Cert', format: 'rfc9440', trust: trust as () => boolean })
  const view = viewOf({ 'client-cert': [field], 'x-proxy-secret': ['s3cret'] }, { clientCertificate: () => other.der })

  it('decides whether the field counts', async () => {
    expect(
      await outcomeOf(
        withTrust(() => true),
        client.thumbprint,
        view,
      ),
    ).toBe('confirmed')
    expect(
      await outcomeOf(
        withTrust(() => false),
        client.thumbprint,
        view,
      ),
    ).toBe('binding_failed')
  })

  it('can rest on the peer and on a secret of the proxy', async () => {
    const proxy = { peer: { address: '10.0.0.5', encrypted: false } }
    const byPeer = withTrust(({ peer }) => peer?.address === '10.0.0.5')
    expect(await outcomeOf(byPeer, client.thumbprint, { ...view, ...proxy })).toBe('confirmed')
    expect(await outcomeOf(byPeer, client.thumbprint, view)).toBe('binding_failed')
    const bySecret = withTrust(({ header }) => header('x-proxy-secret').join() === 's3cret')
    expect(await outcomeOf(bySecret, client.thumbprint, view)).toBe('confirmed')
    expect(await outcomeOf(bySecret, client.thumbprint, viewOf({ 'client-cert': [field] }))).toBe('binding_failed')
  })

  it('never falls back to the certificate of the connection', async () => {
    expect(
      await outcomeOf(
        withTrust(() => true),
        other.thumbprint,
        view,
      ),
    ).toBe('binding_failed')
    expect(
      await outcomeOf(
        withTrust(() => false),
        other.thumbprint,
        view,
      ),
    ).toBe('binding_failed')
    const without = viewOf({}, { clientCertificate: () => other.der })
    expect(
      await outcomeOf(
        withTrust(() => true),
        other.thumbprint,
        without,
      ),
    ).toBe('binding_failed')
  })

  it('does not read the field without it', async () => {
    const read: string[] = []
    const spy: RequestView = {
      ...view,
      header: (name) => {
        read.push(name)
        return [field]
      },
    }
    await outcomeOf(
      withTrust(() => false),
      client.thumbprint,
      spy,
    )
    expect(read).toEqual([])
  })

  it.each<[string, () => unknown]>([
    ['a promise', async () => true],
    ['a rejected promise', async () => Promise.reject(new Error('no'))],
    ['nothing', () => undefined],
    ['1', () => 1],
    ['text', () => 'true'],
    ['an object', () => new Boolean(true)],
  ])('is a bug if it returns %s', async (_name, trust) => {
    const error = await outcomeOf(withTrust(trust), client.thumbprint, view)
    expect(error).toEqual(new TypeError('"trust" of mtls must return true or false, not a promise'))
  })

  it('passes on what it throws', async () => {
    const thrown = new Error('no')
    const trust = (): never => {
      throw thrown
    }
    expect(await outcomeOf(withTrust(trust), client.thumbprint, view)).toBe(thrown)
  })
})

describe('the options of mtls', () => {
  const trust = (): boolean => true
  const header = { from: 'header', name: 'client-cert', format: 'rfc9440', trust }

  it.each<[string, unknown, string]>([
    ['missing', undefined, `give { from: 'connection' } or { from: 'header', name, format, trust }, found nothing`],
    ['a word', 'connection', `give { from: 'connection' } or { from: 'header', name, format, trust }`],
    ['empty', {}, '"from" must be "connection" or "header", found nothing'],
    ['of an unknown source', { from: 'socket' }, '"from" must be "connection" or "header", found "socket"'],
    [
      'without a name',
      { ...header, name: undefined },
      '"name" must be the name of the header field that your proxy sets',
    ],
    ['with a name that is no field', { ...header, name: 'client cert' }, '"name" must be the name of the header field'],
    ['without a format', { ...header, format: undefined }, '"format" must be "rfc9440" or "nginx" or "haproxy"'],
    ['with an unknown format', { ...header, format: 'constructor' }, '"format" must be "rfc9440" or "nginx"'],
    [
      'without trust',
      { ...header, trust: undefined },
      `"trust" must be a function that returns whether a request came from your proxy, such as (view) => view.peer?.address === '10.0.0.5', because clients can send the header themselves, found nothing`,
    ],
    ['with trust that is no function', { ...header, trust: true }, '"trust" must be a function'],
    ['with an unknown option', { ...header, trusted: trust }, 'there is no option "trusted"; did you mean "trust"?'],
    ['for a connection with trust', { from: 'connection', trust }, `"trust" is only for from: 'header'`],
    ['for a connection with a name', { from: 'connection', name: undefined }, `"name" is only for from: 'header'`],
    ['for a connection with an unknown option', { from: 'connection', ca: '' }, 'there is no option "ca"'],
  ])('are rejected at start-up if they are %s', (_name, options, message) => {
    expect(() => mtls(options as MtlsOptions)).toThrow(TypeError)
    expect(() => mtls(options as MtlsOptions)).toThrow(`Cannot create mtls binding: ${message}`)
  })
})

describe('48. a polluted prototype', () => {
  const polluted = Object.prototype as Record<string, unknown>
  const names = ['clientCertificate', 'trust', 'from', 'name', 'format', '0']
  afterEach(() => {
    for (const name of names) delete polluted[name]
  })

  it('supplies no certificate, no trust and no options', async () => {
    const connection = mtls({ from: 'connection' })
    const alb = mtls({ from: 'header', name: 'x-cert', format: 'alb', trust: () => true })
    Object.assign(polluted, { clientCertificate: () => client.der, trust: () => true, '0': client.der })
    expect(await outcomeOf(connection, client.thumbprint, viewOf({}))).toBe('binding_failed')
    for (const value of [[], [''], ['-----END CERTIFICATE-----']])
      expect(await outcomeOf(alb, client.thumbprint, viewOf({ 'x-cert': value }))).toBe('binding_failed')
    expect(() => mtls({ from: 'header', name: 'x-cert', format: 'alb' } as never)).toThrow('"trust" must be a function')
    Object.assign(polluted, { from: 'connection', name: 'x-cert', format: 'alb' })
    expect(() => mtls({} as never)).toThrow('"from" must be')
    expect(() => mtls({ from: 'connection' })).not.toThrow()
  })
})

describe('the examples of the RFCs', () => {
  it('RFC 8705 appendix A', async () => {
    const lines = [
      'MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx',
      'ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG',
      'SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ',
      '/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID',
      'SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV',
      'bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=',
    ]
    const thumbprint = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0'
    const view = viewOf({}, { clientCertificate: () => Buffer.from(lines.join(''), 'base64') })
    expect(await outcomeOf(mtls({ from: 'connection' }), thumbprint, view)).toBe('confirmed')
    const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
    const nginx = mtls({ from: 'header', name: 'client-cert', format: 'nginx', trust: () => true })
    expect(await outcomeOf(nginx, thumbprint, viewOf({ 'client-cert': [encodeURIComponent(pem)] }))).toBe('confirmed')
  })

  it('RFC 9440 appendix A', async () => {
    const example =
      ':MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0y' +
      'MDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmck' +
      'C8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNV' +
      'HQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3Vl' +
      'iL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:'
    const certificate = new X509Certificate(Buffer.from(example.slice(1, -1), 'base64'))
    const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
    const binding = mtls({ from: 'header', name: 'client-cert', format: 'rfc9440', trust: () => true })
    expect(await outcomeOf(binding, thumbprint, viewOf({ 'client-cert': [example] }))).toBe('confirmed')
  })
})
