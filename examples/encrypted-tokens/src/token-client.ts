import { createVerifier, type VerifiedToken } from '@claimgate/core'
import { decryptionKeys, decryptJwe } from '@claimgate/core/jwe'
import { decryptionKeyFromPem } from '@claimgate/core/node'
import { encryptToken, type JSONWebKeySet } from '@claimgate/issuer'
import type { KeyFile } from './key-file.ts'
import { AUDIENCE, ISSUER } from './settings.ts'

/** Options for the client. */
export interface TokenClientOptions {
  /** Without a trailing slash. */
  readonly server: string
  readonly secret: string
  /** The key to which tokens for this client are encrypted. */
  readonly key: KeyFile
}

/** The client. */
export interface TokenClient {
  /** Requests a token that only this client can read. */
  fetchToken(): Promise<string>
  /** Decrypts a token and verifies the signed token inside. */
  open(token: string): Promise<{ readonly jwt: string; readonly verified: VerifiedToken }>
  /** Encrypts a signed token to the server's key. */
  seal(jwt: string): Promise<string>
  /** Calls the API. */
  call(path: string, token: string): Promise<{ readonly status: number; readonly body: string }>
}

/** Creates a client. Tokens for it are encrypted to its own key; tokens it sends are encrypted to the server's key. */
export const createTokenClient = async ({ server, secret, key }: TokenClientOptions): Promise<TokenClient> => {
  const keys = decryptionKeys(decryptionKeyFromPem(key.pem, key.passphrase))
  const { keys: own } = await keys.publicJwks()
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwksUri: `${server}/.well-known/jwks.json` })

  return {
    fetchToken: async () => {
      const response = await fetch(`${server}/api/v1/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ secret, encryptionKey: own[0] }),
      })
      if (!response.ok) throw new Error(`The server gives no token: ${response.status} ${await response.text()}`)
      return ((await response.json()) as { readonly token: string }).token
    },
    open: async (token) => {
      const { plaintext } = await decryptJwe(token, { keys })
      const jwt = new TextDecoder().decode(plaintext)
      return { jwt, verified: await verifier.verify(jwt) }
    },
    seal: async (jwt) => {
      const response = await fetch(`${server}/.well-known/encryption-jwks.json`)
      const published = (await response.json()) as JSONWebKeySet
      const recipient = published.keys.find(({ use }) => use === 'enc')
      if (recipient === undefined) throw new Error('The server publishes no key to encrypt to')
      return encryptToken(jwt, { recipient })
    },
    call: async (path, token) => {
      const response = await fetch(`${server}${path}`, { headers: { authorization: `Bearer ${token}` } })
      return { status: response.status, body: await response.text() }
    },
  }
}
