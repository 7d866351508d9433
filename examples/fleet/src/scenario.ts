import type { TestIssuer } from '@claimgate/testing'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createHash, randomUUID } from 'node:crypto'

/** Calls the API through the proxy, and prints what the processes answer. */
export async function runScenario(url: string, origin: string, { issuer, server }: TestIssuer): Promise<void> {
  const statusOf = async (path: string, init: RequestInit): Promise<number> => {
    const response = await fetch(`${url}${path}`, init)
    await response.arrayBuffer()
    return response.status
  }
  /** Three requests at once: one for each process. */
  const threeTimes = async (headers: Record<string, string>): Promise<string> =>
    (await Promise.all([1, 2, 3].map(async () => statusOf('/me', { headers })))).toSorted((a, b) => a - b).join(' ')

  const token = await issuer.issue({ sub: 'ada', sid: 'session-1' })
  const plain = { authorization: `Bearer ${token}` }
  server.forget()
  console.log(`a token, at three processes       ${await threeTimes(plain)}`)
  const fetches = server.stats().requests.filter(({ path }) => path.endsWith('/jwks.json'))
  console.log(`fetches of the keys               ${fetches.length}`)

  const noSession = { authorization: `Bearer ${await issuer.issue({ sub: 'ada' })}` }
  console.log(`a token that cannot be revoked    ${await statusOf('/me', { headers: noSession })}`)

  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const bound = await issuer.issue({ sub: 'ada', sid: 'session-1', cnf: { jkt: await calculateJwkThumbprint(jwk) } })
  const ath = createHash('sha256').update(bound).digest('base64url')
  const proof = await new SignJWT({ jti: randomUUID(), htm: 'GET', htu: `${origin}/me`, ath })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .setIssuedAt()
    .sign(privateKey)
  console.log(`one DPoP proof, at three          ${await threeTimes({ authorization: `DPoP ${bound}`, dpop: proof })}`)

  console.log(`log out, at one                   ${await statusOf('/logout', { method: 'POST', headers: plain })}`)
  console.log(`the token again, at three         ${await threeTimes(plain)}`)
}
