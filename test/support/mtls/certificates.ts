import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A self-signed certificate with its key, in PEM. */
export interface TestCertificate {
  readonly key: string
  readonly cert: string
  readonly der: Buffer
  /** The `x5t#S256` of tokens that are bound to it. */
  readonly thumbprint: string
}

/** Makes a certificate with openssl. */
export function createCertificate(name: string, algorithm = 'ec'): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'claimgate-mtls-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const curve = algorithm === 'ec' ? ['-pkeyopt', 'ec_paramgen_curve:prime256v1'] : []
    const made = ['req', '-x509', '-newkey', algorithm, ...curve, '-nodes', '-days', '2', '-subj', `/CN=${name}`]
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    execFileSync('openssl', [...made, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' })
    return certificateOf(readFileSync(key, 'utf8'), readFileSync(cert, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function certificateOf(key: string, cert: string): TestCertificate {
  const der = new X509Certificate(cert).raw
  return { key, cert, der, thumbprint: createHash('sha256').update(der).digest('base64url') }
}

/** What each proxy writes into its header field for a certificate, and for its chain if it sends that. */
export const FIELDS = {
  rfc9440: ({ der }) => `:${der.toString('base64')}:`,
  nginx: ({ cert }) => encodeURIComponent(cert),
  haproxy: ({ der }) => der.toString('base64'),
  caddy: ({ der }) => der.toString('base64'),
  apache: ({ cert }) => cert.replaceAll('\n', ' ').trim(),
  envoy: ({ cert, der }) =>
    `By=spiffe://a/b;Hash=${createHash('sha256').update(der).digest('hex')};Cert="${encodeURIComponent(cert)}";` +
    `Chain="${encodeURIComponent(cert)}";Subject="CN=\\"a, b\\";O=x";URI=spiffe://c/d;URI=;DNS=a.example`,
  alb: ({ cert }, chain) =>
    [cert, ...chain.map((each) => each.cert)]
      .map((pem) => encodeURIComponent(pem).replaceAll('%2B', '+').replaceAll('%3D', '=').replaceAll('%2F', '/'))
      .join(''),
  traefik: ({ der }, chain) => [der, ...chain.map((each) => each.der)].map((each) => each.toString('base64')).join(','),
  cloudflare: ({ der }) => der.toString('base64'),
} satisfies Record<string, (certificate: TestCertificate, chain: readonly TestCertificate[]) => string>

/** The names of the formats. */
export const FORMATS = Object.keys(FIELDS) as readonly (keyof typeof FIELDS)[]

/** Fields besides that of the certificate which the format demands. */
export const FLAGS: Readonly<Record<string, readonly string[]>> = {
  'cf-cert-verified': ['true'],
  'cf-cert-revoked': ['false'],
}
