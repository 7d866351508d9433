import { createHmac, createPublicKey } from 'node:crypto'

import { toBase64url } from '../base64url.ts'
import { type BadToken, type BadTokenRow, badTokenTable } from '../bad-token.ts'
import type { Forge } from '../forge.ts'

/** `alg` set to none, to HMAC with the public key as secret, and to what does not fit the key. */
export async function badAlgorithms(forge: Forge): Promise<readonly BadToken[]> {
  return [
    ...(await badTokenTable([1], unsigned(forge))),
    ...(await badTokenTable([2], confused(forge))),
    ...(await badTokenTable([3], unfit(forge))),
  ]
}

function unsigned({ header, parts }: Forge): readonly BadTokenRow[] {
  return ['none', 'None', 'nOnE', 'NONE', 'none ', ''].flatMap((alg): readonly BadTokenRow[] => {
    const first = toBase64url(JSON.stringify({ ...header, alg }))
    return [
      [`alg "${alg}" with an empty signature`, `${first}.${parts[1]}.`],
      [`alg "${alg}" without the last dot`, `${first}.${parts[1]}`],
      [`alg "${alg}" with the signature of the real token`, `${first}.${parts[1]}.${parts[2]}`],
    ]
  })
}

function confused({ header, parts, publicJwk, publicPem }: Forge): readonly BadTokenRow[] {
  const der = createPublicKey(publicPem).export({ format: 'der', type: 'spki' })
  const material = publicJwk.n ?? publicJwk.x ?? publicJwk.pub ?? ''
  const secrets: Readonly<Record<string, string | Uint8Array>> = {
    'the PEM': publicPem,
    'the PEM and a newline': `${publicPem}\n`,
    'the PEM with CRLF': `${publicPem.replaceAll('\n', '\r\n')}\r\n`,
    'the PEM without its lines': publicPem.replaceAll(/-----[^-]+-----|\s/g, ''),
    'the DER': der,
    'the JWK as JSON': JSON.stringify(publicJwk),
    'the material of the JWK': material,
    'the bytes of the JWK': Buffer.from(material, 'base64url'),
    'the empty string': '',
  }
  return ['256', '384', '512'].flatMap((bits) =>
    Object.entries(secrets).map(([what, secret]): BadTokenRow => {
      const input = `${toBase64url(JSON.stringify({ ...header, alg: `HS${bits}` }))}.${parts[1]}`
      const signature = createHmac(`sha${bits}`, secret).update(input).digest('base64url')
      return [`HS${bits} with ${what} as secret`, `${input}.${signature}`]
    }),
  )
}

function unfit({ alg, withHeader }: Forge): readonly BadTokenRow[] {
  const others = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'ML-DSA-44', 'HS256', 'RSA-OAEP', 'XX256']
  return [
    // EdDSA and Ed25519 are two names for the same signature (RFC 9864). The policy decides which of them are allowed.
    ...others
      .filter((other) => other !== alg && !(other === 'EdDSA' && alg === 'Ed25519'))
      .map((other): BadTokenRow => [`alg "${other}" over a signature of ${alg}`, withHeader({ alg: other })]),
    ['alg in another letter case', withHeader({ alg: swapCase(alg) })],
    ['alg with a space', withHeader({ alg: `${alg} ` })],
    ['alg with a null character', withHeader({ alg: `${alg}\u0000` })],
    ['no alg', withHeader({ alg: undefined })],
    ['alg null', withHeader({ alg: null })],
    ['alg an array', withHeader({ alg: [alg] })],
    ['alg an object', withHeader({ alg: { toString: alg } })],
    ['alg __proto__', withHeader({ alg: '__proto__' })],
  ]
}

function swapCase(text: string): string {
  return text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()
}
