import { AuthError, type RequestView } from '@claimgate/core'
import { mtls } from '@claimgate/core/mtls'
import { describe, expect, it } from 'vitest'
import { createCertificate } from '../../support/mtls/certificates.ts'
import { viewOf } from '../../support/mtls/confirming.ts'

const client = createCertificate('client')
const other = createCertificate('other')
const credential = { scheme: 'Bearer', token: '' }

/** What each step of a binding finds, or why it refuses. */
async function findings(thumbprint: unknown, der: Uint8Array | undefined): Promise<readonly unknown[]> {
  const view: RequestView = viewOf({}, { clientCertificate: () => der })
  const steps = mtls({ from: 'connection' }).steps?.(thumbprint, view, credential) ?? []
  const found: unknown[] = []
  for (const { name, needs, run } of steps)
    try {
      found.push([name, needs, await run?.()])
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      found.push([name, needs, error.code, error.expected, error.actual])
    }
  return found
}

describe('42. the steps of a certificate in an explanation', () => {
  const seen = { expected: 'a client certificate', actual: `one with the digest ${client.thumbprint}` }

  it('show which certificate the client has, and which the token needs', async () => {
    expect(await findings(client.thumbprint, client.der)).toEqual([
      ['certificate', undefined, seen],
      ['certificate.x5t#S256', ['certificate'], { expected: client.thumbprint, actual: client.thumbprint }],
    ])
  })

  it.each<readonly [string, unknown, Uint8Array | undefined, readonly unknown[]]>([
    [
      'another certificate',
      client.thumbprint,
      other.der,
      ['"the certificate that the token is bound to"', '"another certificate"'],
    ],
    ['a wrong thumbprint', 'x', client.der, [expect.stringContaining('of a SHA-256 digest'), '"something else"']],
    [
      'no certificate',
      client.thumbprint,
      undefined,
      ['"the certificate that the token is bound to"', '"another certificate"'],
    ],
  ])('refuse %s', async (_, thumbprint, der, expected) => {
    const [certificate, digest] = await findings(thumbprint, der)
    expect(digest).toEqual(['certificate.x5t#S256', ['certificate'], 'binding_failed', ...expected])
    if (der === undefined)
      expect(certificate).toEqual([
        'certificate',
        undefined,
        'binding_failed',
        '"a client certificate"',
        '"a connection without one"',
      ])
  })
})
