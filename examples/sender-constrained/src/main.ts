// Starts an issuer and two APIs. A client uses both, and a thief with its tokens uses neither.
import { createIssuer, localSigner } from '@claimgate/issuer'
import { randomBytes } from 'node:crypto'
import { startCertificateApi, startDpopApi } from './apis.ts'
import { getWithCertificate } from './certificate-client.ts'
import { createCertificate } from './certificates.ts'
import { type Answer, answerOf, createDpopClient, send } from './dpop-client.ts'

const { PORT = '4060', TLS_PORT = '4061' } = process.env
const AUDIENCE = 'orders-api'

const say = (what: string, ...answers: readonly Answer[]): void => {
  const told = answers.map(({ status, error }) => [status, error].filter(Boolean).join(' '))
  console.log(`  ${what.padEnd(40)} ${told.join(', then ')}`)
}

// The APIs get the public keys from the issuer directly. Usually they fetch them from it.
const issuer = await createIssuer({
  issuer: 'https://auth.example.com',
  audience: AUDIENCE,
  signer: await localSigner(),
})
const verifier = { issuer: issuer.issuer, audience: AUDIENCE, jwks: issuer.jwks() }
const serverCertificate = createCertificate('orders API')
const dpopApi = await startDpopApi(verifier, randomBytes(32).toString('base64'), Number(PORT))
const certificateApi = await startCertificateApi(verifier, serverCertificate, Number(TLS_PORT))
try {
  await useKeys(`${dpopApi.url}/orders`)
  await useCertificates(`${certificateApi.url}/orders`)
} finally {
  await Promise.all([dpopApi.close(), certificateApi.close()])
}

async function useKeys(url: string): Promise<void> {
  console.log(`DPoP at ${url}`)
  const [client, thief] = [await createDpopClient(), await createDpopClient()]
  // An authorization server binds the token to the key of the proof in the token request.
  const token = await issuer.issue({ sub: 'ada', cnf: { jkt: client.jkt } })
  say('the client, for the first time', ...(await client.get(token, url)))
  const proof = await client.proof(token, url)
  const sent = { authorization: `DPoP ${token}`, dpop: proof }
  say('the client, with a nonce', answerOf(await send(url, sent)))
  say('a thief, with its token as Bearer', answerOf(await send(url, { authorization: `Bearer ${token}` })))
  say('a thief, with its token and another key', ...(await thief.get(token, url)))
  say('a thief, with its token and its proof', answerOf(await send(url, sent)))
}

async function useCertificates(url: string): Promise<void> {
  console.log(`mutual TLS at ${url}`)
  const [own, stolen] = [createCertificate('client'), createCertificate('thief')]
  // An authorization server binds the token to the certificate of the token request.
  const token = await issuer.issue({ sub: 'ada', cnf: { 'x5t#S256': own.thumbprint } })
  const ca = serverCertificate.cert
  say('the client', await getWithCertificate(token, url, ca, own))
  say('a thief, without a certificate', await getWithCertificate(token, url, ca))
  say('a thief, with another certificate', await getWithCertificate(token, url, ca, stolen))
}
