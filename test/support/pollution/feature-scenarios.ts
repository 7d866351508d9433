import type { Binding, RequestView, VerifiedToken } from '@claimgate/core'
import { type CertificateFormat, mtls, type MtlsOptions } from '@claimgate/core/mtls'
import { createHash, X509Certificate } from 'node:crypto'
import { issuerCertificate } from '../resilience/issuer-certificate.ts'
import { FIELDS, FLAGS, FORMATS } from '../mtls/certificates.ts'
import { outcome, type Scenario, stringify } from './scenario.ts'

const der = new X509Certificate(issuerCertificate.cert).raw
const thumbprint = createHash('sha256').update(der).digest('base64url')
const client = { ...issuerCertificate, der, thumbprint }

/** The answers of core's features that confirm who sent a token. */
export function featureScenarios(): readonly Scenario[] {
  const fields = Object.fromEntries(FORMATS.map((format) => [format, FIELDS[format](client, [client])]))
  const token = {} as VerifiedToken
  const credential = { scheme: 'Bearer', token: 'x' }
  const confirmed = (binding: Binding, view: RequestView, value: unknown = thumbprint): Promise<string> =>
    outcome(async () => `accepted ${stringify(await binding.confirm(value, token, view, credential))}`)
  const viewOf = (field: string | undefined, more: object = {}): RequestView => ({
    method: 'GET',
    target: '/',
    header: (name) => (name === 'x-cert' ? (field === undefined ? [] : [field]) : (FLAGS[name] ?? [])),
    ...more,
  })
  const header = (format: CertificateFormat, trusted = true): Binding =>
    mtls({ from: 'header', name: 'x-cert', format, trust: () => trusted })
  return [
    {
      name: 'certificates of connections',
      start: () => {
        const binding = mtls({ from: 'connection' })
        return async () => ({
          certificate: await confirmed(binding, viewOf(undefined, { clientCertificate: () => der })),
          'another certificate': await confirmed(
            binding,
            viewOf(undefined, { clientCertificate: () => der.subarray(1) }),
          ),
          'no certificate': await confirmed(binding, viewOf(undefined)),
          'no thumbprint': await confirmed(binding, viewOf(undefined, { clientCertificate: () => der }), {}),
        })
      },
    },
    ...FORMATS.map((format) => ({
      name: `certificates of the format ${format}`,
      start: () => {
        const [trusting, distrusting] = [header(format), header(format, false)]
        return async () => ({
          certificate: await confirmed(trusting, viewOf(fields[format])),
          'without trust': await confirmed(distrusting, viewOf(fields[format])),
          'no field': await confirmed(trusting, viewOf(undefined)),
          'an empty field': await confirmed(trusting, viewOf('')),
          'a placeholder': await confirmed(trusting, viewOf('(null)')),
          'two certificates': await confirmed(trusting, viewOf(`${fields[format]},${fields[format]}`)),
        })
      },
    })),
    {
      name: 'the options of mtls',
      start: () => async () => {
        const answers: Record<string, string> = {}
        const whole = { from: 'header', name: 'x-cert', format: 'nginx', trust: () => false }
        for (const missing of ['nothing', ...Object.keys(whole)]) {
          const given = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing))
          answers[missing] = await outcome(() => `accepted ${mtls(given as unknown as MtlsOptions).confirmation}`)
        }
        return answers
      },
    },
  ]
}
