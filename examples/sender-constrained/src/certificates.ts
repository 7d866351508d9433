import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate with its private key, as PEM text. */
export interface Certificate {
  readonly key: string
  readonly cert: string
  /** Its digest. The authorization server puts it into the `cnf` of tokens, as `x5t#S256`. */
  readonly thumbprint: string
}

/** Makes a self-signed certificate with the program `openssl`. */
export function createCertificate(name: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'claimgate-example-'))
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
    const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', ['req', ...kind, ...names, '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' })
    const [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')]
    const thumbprint = createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
    return { key, cert, thumbprint }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
