import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { createHash, randomUUID } from 'node:crypto'

/** The answer of an API: its status, and the error in its challenge. */
export interface Answer {
  readonly status: number
  readonly error: string | undefined
}

/** A client with a key that never leaves it (RFC 9449). */
export interface DpopClient {
  /** The thumbprint of its key. The authorization server puts it into the `cnf.jkt` of its tokens. */
  readonly jkt: string
  /** A proof for one request. It includes the last nonce of the API. */
  proof(token: string, url: string): Promise<string>
  /** Sends a GET request with a fresh proof. Repeats it once if the API asks for a nonce, as RFC 9449 section 9 says. */
  get(token: string, url: string): Promise<readonly Answer[]>
}

export async function createDpopClient(): Promise<DpopClient> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk: JWK = await exportJWK(publicKey)
  let nonce: string | undefined

  const proof: DpopClient['proof'] = (token, url) =>
    new SignJWT({
      jti: randomUUID(),
      htm: 'GET',
      htu: url,
      ath: createHash('sha256').update(token).digest('base64url'),
      ...(nonce !== undefined && { nonce }),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt()
      .sign(privateKey)

  const get: DpopClient['get'] = async (token, url) => {
    const answers: Answer[] = []
    do {
      const response = await send(url, { authorization: `DPoP ${token}`, dpop: await proof(token, url) })
      nonce = response.headers.get('dpop-nonce') ?? nonce
      answers.push(answerOf(response))
    } while (answers.length === 1 && answers[0]?.error === 'use_dpop_nonce')
    return answers
  }

  return { jkt: await calculateJwkThumbprint(jwk), proof, get }
}

/** Sends a GET request, with whatever a thief has. */
export async function send(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(url, { headers, signal: AbortSignal.timeout(10_000) })
}

export function answerOf({ status, headers }: Pick<Response, 'status' | 'headers'>): Answer {
  return { status, error: /error="(\w+)"/.exec(headers.get('www-authenticate') ?? '')?.[1] }
}
