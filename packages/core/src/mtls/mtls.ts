import { encode } from 'jose/base64url'
import {
  assertBoolean,
  AuthError,
  type Binding,
  callback,
  has,
  ignoreRejection,
  isHttpToken,
  isOptions,
  misconfigured,
  oneOf,
  type OptionTable,
  own,
  readOptions,
  required,
  type RequestView,
} from '../adapter.ts'
import { CERTIFICATE_FORMATS, type CertificateFormat, readCertificate } from './certificate-formats.ts'

/** Takes the certificate from the TLS connection. */
export interface MtlsConnectionOptions {
  /** `'connection'`: the application itself ends TLS, and its server requests certificates. */
  readonly from: 'connection'
}

/** Takes the certificate from a header field that a proxy sets. */
export interface MtlsHeaderOptions {
  /** `'connection'`: the certificate of the TLS connection, without other options. `'header'`: of a field that a proxy sets. */
  readonly from: 'header'
  /** The name of the header field, in any case, such as `client-cert`. */
  readonly name: string
  /**
   * How the proxy writes the certificate: `'rfc9440'`, `'nginx'`, `'haproxy'`, `'caddy'`, `'apache'`, `'envoy'`, `'alb'`, `'traefik'` or
   * `'cloudflare'`.
   */
  readonly format: CertificateFormat
  /**
   * Returns whether the request came from your proxy. Clients can send the field themselves: with `false`, the request has no certificate.
   * Compare the address of `view.peer`, or a secret that the proxy adds, in constant time.
   */
  readonly trust: (view: RequestView) => boolean
}

/** Where the client certificate comes from. */
export type MtlsOptions = MtlsConnectionOptions | MtlsHeaderOptions

/** The options of `mtls`. */
export const MTLS: OptionTable<MtlsHeaderOptions> = {
  from: required(oneOf('connection', 'header')),
  name: required({ be: 'the name of the header field that your proxy sets, such as "client-cert"', fits: isHttpToken }),
  format: required(oneOf(...CERTIFICATE_FORMATS)),
  trust: required({
    ...callback,
    be: `a function that returns whether a request came from your proxy, such as (view) => view.peer?.address === '10.0.0.5', because clients can send the header themselves`,
  }),
}

const ACTION = 'create mtls binding'
const FORM = `give { from: 'connection' } or { from: 'header', name, format, trust }`

/**
 * Confirms that the client has the certificate its token is bound to (RFC 8705 section 3): the SHA-256 digest of the certificate must be the
 * `x5t#S256` of the token's `cnf`. Add it to the option `bindings`.
 *
 * The certificate is only hashed. Its chain, validity and revocation are checked by whatever ends TLS, if you configure that; TLS also proves
 * that the client has the private key. A token without `cnf` needs no certificate, unless `unboundTokens` is `'refuse'`.
 *
 * @throws TypeError for options that are missing or wrong
 */
export function mtls(options: MtlsOptions): Binding {
  const certificateOf = readerOf(options)
  return Object.freeze<Binding>({
    confirmation: 'x5t#S256',
    confirm: async (thumbprint, _token, view) => {
      assertDigest(thumbprint)
      assertEqual(thumbprint, await digestOf(certificateOf(view)))
    },
    steps: (thumbprint, view) => {
      let digest = ''
      return [
        {
          name: 'certificate',
          run: async () => {
            digest = await digestOf(certificateOf(view))
            return { expected: A_CERTIFICATE, actual: `one with the digest ${digest}` }
          },
        },
        {
          name: 'certificate.x5t#S256',
          needs: ['certificate'],
          run: () => {
            assertDigest(thumbprint)
            assertEqual(thumbprint, digest)
            return { expected: thumbprint, actual: digest }
          },
        },
      ]
    },
  })
}

/** The base64url of the SHA-256 of a certificate. */
async function digestOf(certificate: Uint8Array): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(certificate))))
}

/** @throws AuthError `binding_failed` */
function assertDigest(thumbprint: unknown): void {
  if (typeof thumbprint !== 'string' || !/^[\w-]{43}$/.test(thumbprint))
    throw failed('the base64url of a SHA-256 digest in "x5t#S256"', 'something else')
}

/** @throws AuthError `binding_failed` */
function assertEqual(thumbprint: unknown, digest: string): void {
  if (digest !== thumbprint) throw failed('the certificate that the token is bound to', 'another certificate')
}

/** @throws AuthError `binding_failed` if the request has no certificate */
type CertificateReader = (view: RequestView) => Uint8Array

function readerOf(options: MtlsOptions): CertificateReader {
  if (!isOptions(options) || own(options, 'from') !== 'connection')
    return headerReader(readOptions(ACTION, options, MTLS, { form: FORM }) as MtlsHeaderOptions)
  const other = Object.keys(MTLS).find((name) => name !== 'from' && has(options, name))
  if (other !== undefined) throw misconfigured(ACTION, `"${other}" is only for from: 'header'`)
  readOptions(ACTION, options, { from: MTLS.from })
  return certificateOfConnection
}

function certificateOfConnection(view: RequestView): Uint8Array {
  const certificate: unknown = own(view, 'clientCertificate')?.call(view)
  if (certificate instanceof Uint8Array) return certificate
  if (certificate === undefined) throw failed(A_CERTIFICATE, 'a connection without one', UNSEEN)
  ignoreRejection(certificate)
  throw new TypeError('clientCertificate() of a request view must return DER bytes or undefined')
}

const A_CERTIFICATE = 'a client certificate'
const UNSEEN =
  'The server must request certificates. If a proxy ends TLS, take the certificate from its header field: see docs/mtls.md'

function headerReader({ name, format, trust }: MtlsHeaderOptions): CertificateReader {
  const field = name.toLowerCase()
  return (view) => {
    const trusted: unknown = trust(view)
    assertBoolean(trusted, '"trust" of mtls')
    if (!trusted) throw failed(A_CERTIFICATE, 'a request that "trust" does not accept')
    if (format === 'cloudflare') assertVerifiedByCloudflare(view)
    const values = view.header(field)
    const [value] = values
    if (value === undefined || values.length > 1)
      throw failed('one header field with a certificate', `${values.length}`)
    const certificate = readCertificate(value, format)
    if (certificate === undefined) throw failed(`one certificate in the format ${format}`, 'something else')
    return certificate
  }
}

/** Cloudflare also sends certificates that it could not verify, or that are revoked, and says so in other fields. @throws AuthError */
function assertVerifiedByCloudflare(view: RequestView): void {
  const verified = view.header('cf-cert-verified')
  if (verified.length !== 1 || verified[0] !== 'true')
    throw failed('cf-cert-verified: true', 'a certificate that Cloudflare has not verified')
  if (!view.header('cf-cert-revoked').every((value) => value === 'false'))
    throw failed('cf-cert-revoked: false', 'a certificate that Cloudflare knows to be revoked')
}

function failed(expected: string, actual: string, hint?: string): AuthError {
  return new AuthError('binding_failed', { expected, actual, ...(hint !== undefined && { hint }) })
}
