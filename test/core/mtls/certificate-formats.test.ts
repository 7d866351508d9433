import { type CertificateFormat, mtls } from '@claimgate/core/mtls'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createCertificate, FIELDS, FLAGS, FORMATS } from '../../support/mtls/certificates.ts'
import { outcomeOf, viewOf } from '../../support/mtls/confirming.ts'

const client = createCertificate('client')
const other = createCertificate('other')
const large = createCertificate('large', 'rsa:4096')
const ca = createCertificate('ca')

const confirm = async (
  format: CertificateFormat,
  fields: string | readonly string[],
  thumbprint: unknown = client.thumbprint,
): Promise<unknown> => {
  const binding = mtls({ from: 'header', name: 'X-Cert', format, trust: () => true })
  return outcomeOf(binding, thumbprint, viewOf({ 'x-cert': [fields].flat(), ...FLAGS }))
}

describe.each(FORMATS)('42. the format %s', (format) => {
  const field = FIELDS[format](client, [ca])

  it('confirms the certificate that a token is bound to', async () => {
    expect(await confirm(format, field)).toBe('confirmed')
    expect(await confirm(format, FIELDS[format](client, []))).toBe('confirmed')
    expect(await confirm(format, FIELDS[format](large, [ca]), large.thumbprint)).toBe('confirmed')
  })

  it('refuses another certificate', async () => {
    expect(await confirm(format, FIELDS[format](other, [client]))).toBe('binding_failed')
    expect(await confirm(format, field, ca.thumbprint)).toBe('binding_failed')
  })

  // Other keys of Envoy's field may have any value.
  const plain = format === 'envoy' ? `Cert="${encodeURIComponent(client.cert)}"` : field

  it.each<[string, string | readonly string[]]>([
    ['no field', []],
    ['an empty field', ''],
    ['two fields', [field, field]],
    ['a second, empty field', [field, '']],
    ['two fields that were joined', `${plain}, ${plain}`],
    ['two fields that were joined without a space', `${FIELDS[format](client, [])},`],
    ['text before it', `x${plain}`],
    ['text after it', `${plain}x`],
    ['spaces around it that no server leaves there', `\u00A0${plain}\u00A0`],
    ['a wrong percent encoding', `${plain}%`],
    ['a parameter', `${plain};a`],
    ['a placeholder of Caddy', '{http.request.tls.client.certificate_der_base64}'],
    ['a placeholder of Apache', '(null)'],
    ['a placeholder of nginx', '$ssl_client_escaped_cert'],
    ['a placeholder of HAProxy', '-'],
    ['an empty byte sequence', '::'],
    ['markers without content', encodeURIComponent('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n')],
    ['a thumbprint', client.thumbprint],
    ['a key', encodeURIComponent(client.key)],
    ['bytes that are no sequence', Buffer.from('a certificate').toString('base64')],
    ['17 KiB', 'A'.repeat(17 * 1024)],
    ['a certificate in 17 KiB', plain + ' '.repeat(17 * 1024)],
  ])('refuses %s', async (_name, fields) => {
    expect(await confirm(format, fields)).toBe('binding_failed')
  })

  it('refuses every other format, except those that are the same', async () => {
    const accepted: string[] = []
    for (const foreign of FORMATS)
      if ((await confirm(format, FIELDS[foreign](client, []))) === 'confirmed') accepted.push(foreign)
    const base64 = ['haproxy', 'caddy', 'traefik', 'cloudflare']
    const same: Record<string, readonly string[]> = {
      rfc9440: ['rfc9440'],
      nginx: ['nginx', 'apache', 'alb'],
      alb: ['nginx', 'apache', 'alb'],
      haproxy: base64,
      caddy: base64,
      traefik: base64,
      cloudflare: ['rfc9440', ...base64],
    }
    expect(accepted).toEqual(FORMATS.filter((name) => (same[format] ?? [format]).includes(name)))
  })

  it('finds the certificate only in bytes of the exact length', async () => {
    const digest = (der: Buffer): string => createHash('sha256').update(der).digest('base64url')
    const variants = [
      Buffer.concat([client.der, Buffer.from([0])]),
      Buffer.concat([client.der, client.der]),
      client.der.subarray(0, -1),
      Buffer.from([0x30, 0x80]),
      Buffer.from([0x30, 0x80, 0, 0]),
      Buffer.from([0x31, 1, 0]),
      Buffer.from([0x30]),
      Buffer.from([0x30, 0x84, 1]),
    ]
    for (const der of variants) {
      const base64 = der.toString('base64')
      const cert = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
      expect(await confirm(format, FIELDS[format]({ ...client, der, cert }, []), digest(der))).toBe('binding_failed')
    }
    const short = Buffer.from([0x30, 1, 0])
    const cert = `-----BEGIN CERTIFICATE-----\n${short.toString('base64')}\n-----END CERTIFICATE-----\n`
    expect(await confirm(format, FIELDS[format]({ ...client, der: short, cert }, []), digest(short))).toBe('confirmed')
  })
})

describe('42. base64', () => {
  const base64 = Buffer.from([0x30, 2, 5, 0]).toString('base64')
  const thumbprint = createHash('sha256')
    .update(Buffer.from([0x30, 2, 5, 0]))
    .digest('base64url')

  it.each<[string, string]>([
    ['without padding', base64.replaceAll('=', '')],
    ['with unused bits', base64.replace('A==', 'B==')],
    ['with a space', ` ${base64}`],
    ['with a line break', `${base64.slice(0, 2)}\n${base64.slice(2)}`],
    ['of base64url', Buffer.from([0x30, 2, 0xff, 0xff]).toString('base64url')],
  ])('%s is refused', async (_name, text) => {
    expect(await confirm('haproxy', base64, thumbprint)).toBe('confirmed')
    expect(await confirm('haproxy', text, thumbprint)).toBe('binding_failed')
  })
})

describe('42. a long field', () => {
  it.each([
    [12_288, 'confirmed'],
    [12_291, 'binding_failed'],
  ])('with a certificate of %i bytes: %s, because at most 16,384 characters are read', async (length, outcome) => {
    const der = Buffer.alloc(length, 1)
    der.set([0x30, 0x82, (length - 4) >> 8, (length - 4) & 255])
    const thumbprint = createHash('sha256').update(der).digest('base64url')
    expect(await confirm('haproxy', der.toString('base64'), thumbprint)).toBe(outcome)
  })
})

describe('42. a field with several certificates', () => {
  it.each<CertificateFormat>(['nginx', 'apache', 'envoy'])('is refused in the format %s', async (format) => {
    const both = { ...client, cert: client.cert + ca.cert }
    expect(await confirm(format, FIELDS[format as 'nginx'](both))).toBe('binding_failed')
  })

  it.each<CertificateFormat>(['alb', 'traefik'])('is refused in the format %s if one is malformed', async (format) => {
    const broken = { ...ca, der: ca.der.subarray(1), cert: ca.cert.replace('MII', 'M!I') }
    expect(await confirm(format, FIELDS[format as 'alb'](client, [broken]))).toBe('binding_failed')
  })

  it.each<[string, string]>([
    ['before the end', client.cert.replace('\n-----END', '-a\n-----END')],
    ['after the end', `${client.cert}a`],
    ['before the begin', `a${client.cert}`],
    ['of another kind', client.cert.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
  ])('is refused with other text in its PEM: %s', async (_name, cert) => {
    for (const format of ['nginx', 'apache', 'alb', 'envoy'] as const)
      expect(await confirm(format, FIELDS[format]({ ...client, cert }, []))).toBe('binding_failed')
  })

  it('is accepted with what Traefik 2 escapes', async () => {
    expect(await confirm('traefik', encodeURIComponent(FIELDS.traefik(client, [ca])))).toBe('confirmed')
  })
})

describe('42. the field of Envoy', () => {
  const cert = `Cert="${encodeURIComponent(client.cert)}"`
  const foreign = `Cert="${encodeURIComponent(other.cert)}"`

  it.each<[string, string, string]>([
    ['one element', cert, 'confirmed'],
    ['a key in another case', cert.replace('Cert', 'CERT'), 'confirmed'],
    ['a value without quotes', cert.replaceAll('"', ''), 'confirmed'],
    ['two elements', `${cert},${cert}`, 'binding_failed'],
    ['two elements, the first of the client', `${foreign},${cert}`, 'binding_failed'],
    ['a last element without a certificate', `${cert},By=a;Hash=b`, 'binding_failed'],
    ['two certificates in one element', `${foreign};${cert}`, 'binding_failed'],
    ['two certificates, one in another case', `${cert};cert=""`, 'binding_failed'],
    ['a certificate inside a quoted value', `Subject="\\";${cert.replaceAll('"', '\\"')};"`, 'binding_failed'],
    ['a chain and no certificate', cert.replace('Cert', 'Chain'), 'binding_failed'],
    ['a quote that does not end', `${cert};Subject="a`, 'binding_failed'],
    ['text after a quoted value', `${cert}a;By=b`, 'binding_failed'],
    ['a key without a value', `By;${cert}`, 'binding_failed'],
  ])('with %s', async (_name, field, outcome) => {
    expect(await confirm('envoy', field)).toBe(outcome)
  })

  it('takes time that grows with its length only', async () => {
    const start = performance.now()
    for (const text of ['a=', 'a="', '\\', 'a="\\"', ';']) await confirm('envoy', text.repeat(16_000 / text.length))
    expect(performance.now() - start).toBeLessThan(1000)
  })
})

describe('42. the field of Cloudflare', () => {
  const binding = mtls({ from: 'header', name: 'cf-client-cert-der-base64', format: 'cloudflare', trust: () => true })
  const withFlags = async (
    flags: Record<string, readonly string[]>,
    field = FIELDS.cloudflare(client),
  ): Promise<unknown> =>
    outcomeOf(binding, client.thumbprint, viewOf({ 'cf-client-cert-der-base64': [field], ...flags }))

  it.each<[Record<string, readonly string[]>, string]>([
    [{ 'cf-cert-verified': ['true'], 'cf-cert-revoked': ['false'] }, 'confirmed'],
    [{ 'cf-cert-verified': ['true'] }, 'confirmed'],
    [{}, 'binding_failed'],
    [{ 'cf-cert-verified': ['false'] }, 'binding_failed'],
    [{ 'cf-cert-verified': ['TRUE'] }, 'binding_failed'],
    [{ 'cf-cert-verified': [''] }, 'binding_failed'],
    [{ 'cf-cert-verified': ['true', 'true'] }, 'binding_failed'],
    [{ 'cf-cert-verified': ['true', 'false'] }, 'binding_failed'],
    [{ 'cf-cert-verified': ['true'], 'cf-cert-revoked': ['true'] }, 'binding_failed'],
    [{ 'cf-cert-verified': ['true'], 'cf-cert-revoked': ['false', 'true'] }, 'binding_failed'],
    [{ 'cf-cert-presented': ['true'], 'cf-cert-revoked': ['false'] }, 'binding_failed'],
  ])('with the flags %j: %s', async (flags, outcome) => {
    expect(await withFlags(flags)).toBe(outcome)
    expect(await withFlags(flags, FIELDS.rfc9440(client))).toBe(outcome)
  })

  it.each([
    ['true', 'true', 'cf-cert-revoked: false', 'a certificate that Cloudflare knows to be revoked'],
    ['false', 'true', 'cf-cert-verified: true', 'a certificate that Cloudflare has not verified'],
  ])('with verified %s and revoked %s says in the log what is wrong', async (verified, revoked, expected, actual) => {
    const flags = { 'cf-cert-verified': [verified], 'cf-cert-revoked': [revoked] }
    const view = viewOf({ 'cf-client-cert-der-base64': [FIELDS.cloudflare(client)], ...flags })
    await expect(binding.confirm(client.thumbprint, {} as never, view, {} as never)).rejects.toMatchObject({
      code: 'binding_failed',
      expected: `"${expected}"`,
      actual: `"${actual}"`,
    })
  })
})
