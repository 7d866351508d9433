import * as base64url from 'jose/base64url'
import { bare } from '../adapter.ts'

/** Makes and checks the nonces of a server (RFC 9449 section 9). */
export interface Nonces {
  /** Makes a nonce that is valid from now on. */
  issue(): Promise<string>
  /** When a nonce ends, in seconds since the epoch. `undefined` for one that has ended or that no secret has signed. */
  endOf(nonce: string): Promise<number | undefined>
}

interface NonceRules {
  /** The first one signs; all verify. */
  readonly secrets: readonly Uint8Array<ArrayBuffer>[]
  readonly lifetime: number
  readonly clockTolerance: number
  /** Seconds since the epoch. */
  readonly now: () => number
}

/** A nonce is the second of its issue in base 36, a dot, and the HMAC of that text. It needs no store. */
export function createNonces({ secrets, lifetime, clockTolerance, now }: NonceRules): Nonces {
  // Keys and not promises are kept, because in Workers no request may await the promise of another one.
  const imported: CryptoKey[] = []
  const keyAt = async (index: number): Promise<CryptoKey> => {
    const key = imported.at(index) ?? (await importSecret(secrets[index]))
    imported[index] = key
    return key
  }
  let latest = { second: '', nonce: '' }

  const issue = async (): Promise<string> => {
    const second = Math.floor(now()).toString(36)
    if (latest.second === second) return latest.nonce
    const mac = await crypto.subtle.sign('HMAC', await keyAt(0), signedText(second))
    const nonce = `${second}.${base64url.encode(new Uint8Array(mac))}`
    latest = { second, nonce }
    return nonce
  }

  const endOf = async (nonce: string): Promise<number | undefined> => {
    const [, second = '', mac = ''] = NONCE.exec(nonce) ?? []
    const issuedAt = Number.parseInt(second, 36)
    const age = now() - issuedAt
    // Also refuses NaN. Another process may be ahead of this one.
    if (!(age >= -clockTolerance && age < lifetime)) return undefined
    const signature = base64url.decode(mac) as Uint8Array<ArrayBuffer>
    for (const index of secrets.keys()) {
      // WebCrypto compares in constant time.
      if (await crypto.subtle.verify('HMAC', await keyAt(index), signature, signedText(second)))
        return issuedAt + lifetime
    }
    return undefined
  }

  return { issue, endOf }
}

const NONCE = /^([0-9a-z]{1,8})\.([\w-]{43})$/

// The label keeps signatures apart if the application uses its secret elsewhere.
function signedText(second: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`claimgate DPoP nonce ${second}`)
}

async function importSecret(secret: Uint8Array<ArrayBuffer> = new Uint8Array()): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret, bare({ name: 'HMAC', hash: 'SHA-256' }), false, ['sign', 'verify'])
}
