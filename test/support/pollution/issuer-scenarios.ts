import {
  createIssuer,
  createLambdaHandler,
  encryptToken,
  type Issuer,
  jwksHandler,
  localSigner,
  pemSigner,
  publicJwkSet,
} from '@claimgate/issuer'
import { kmsSigner, type KmsSignerOptions } from '@claimgate/issuer/kms'
import { encryptedPemSigner } from '@claimgate/issuer/node'
import { parameterStoreKey, type ParameterStoreOptions } from '@claimgate/issuer/parameter-store'
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { createPrivateKey } from 'node:crypto'
import { ISSUER } from './hostile.ts'
import { type Ask, outcome, type Scenario, stringify } from './scenario.ts'
import type { Made } from './tokens.ts'

const clock = { now: () => 1_800_000_000_000 }
const REQUEST = new Request(`${ISSUER}/jwks.json`)
const randomUUID = (): string => '00000000-0000-4000-8000-000000000000'

/** What the issuer signs, publishes and encrypts. */
export async function issuerScenarios({ keys, encryption, tokens }: Made): Promise<readonly Scenario[]> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const pem = await exportPKCS8(privateKey)
  const spki = Buffer.from((await exportSPKI(publicKey)).replaceAll(/-----[^-]+-----|\n/g, ''), 'base64')
  const encrypted = createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString()
  const recipient = await jwkOf(encryption.publicKey)

  const signerOf = (kid: string): ReturnType<typeof localSigner> => localSigner({ ...keys.privateJwk }, { kid })

  return [
    {
      name: 'an issuer',
      triesForeign: true,
      start: async () =>
        issuing(await createIssuer({ issuer: ISSUER, keys: [{ ...keys.privateJwk }], clock, randomUUID })),
    },
    {
      name: 'an issuer with a generated key',
      start: async () =>
        issuing(await createIssuer({ issuer: ISSUER, clock, randomUUID, audience: 'api', ttl: 60, overlap: {} })),
    },
    {
      name: 'encryption',
      triesForeign: true,
      start: () => async () => ({
        header: await outcome(async () => headerOf(await encryptToken(tokens.good, { recipient }))),
        'without kty': await outcome(async () => headerOf(await encryptToken(tokens.good, { recipient: {} }))),
      }),
    },
    {
      name: 'a Lambda function',
      triesForeign: true,
      start: async () => {
        const handler = createLambdaHandler({ signer: await signerOf('lambda'), clock, randomUUID })
        const asked = (event: object): Promise<string> =>
          outcome(async () => partsOf((await handler(event as Parameters<typeof handler>[0])).token))
        return async () => ({
          claims: await asked({ claims: { sub: 'user-1', exp: 1_800_000_060 } }),
          'claims without exp': await asked({ claims: { sub: 'user-1' } }),
          nothing: await asked({}),
        })
      },
    },
    {
      name: 'signers',
      triesForeign: true,
      start: () => async () => ({
        jwk: await outcome(async () => described(await localSigner({ ...keys.privateJwk }))),
        'jwk without kid': await outcome(async () => described(await localSigner(withoutKid(keys.privateJwk)))),
        'jwk without alg': await outcome(async () =>
          described(await localSigner({ ...keys.privateJwk, alg: undefined } as never)),
        ),
        made: await outcome(async () => Object.keys((await localSigner()).publicJwk).join(' ')),
        pem: await outcome(async () => described(await pemSigner(pem, { algorithm: 'ES256' }))),
        'pem without algorithm': await outcome(async () => described(await pemSigner(pem, {} as never))),
        encrypted: await outcome(async () =>
          described(await encryptedPemSigner(encrypted, { algorithm: 'ES256', passphrase: 'secret' })),
        ),
        'wrong passphrase': await outcome(async () =>
          described(await encryptedPemSigner(encrypted, { algorithm: 'ES256', passphrase: 'another' })),
        ),
        'no signer': await outcome(() => stringify(publicJwkSet([{ sign: async () => new Uint8Array() } as never]))),
      }),
    },
    {
      name: 'a key service',
      start: () => async () => {
        const answering = (answer: object): KmsSignerOptions['client'] =>
          ({ send: async () => answer }) as unknown as KmsSignerOptions['client']
        const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
        const answer = {
          KeyId: arn,
          KeySpec: 'ECC_NIST_P256',
          KeyUsage: 'SIGN_VERIFY',
          SigningAlgorithms: ['ECDSA_SHA_256'],
          PublicKey: spki,
        }
        return {
          key: await outcome(async () => described(await kmsSigner({ client: answering(answer), keyId: 'x' }))),
          'no key': await outcome(async () =>
            described(await kmsSigner({ client: answering({ KeyId: arn }), keyId: 'x' })),
          ),
        }
      },
    },
    {
      name: 'a parameter store',
      start: () => async () => {
        const answering = (answer: object): ParameterStoreOptions['client'] =>
          ({ send: async () => answer }) as unknown as ParameterStoreOptions['client']
        const stored = { Parameter: { Type: 'SecureString', Value: pem, Version: 1 } }
        const signer = (answer: object): Promise<string> =>
          outcome(async () => described(await parameterStoreKey({ client: answering(answer), name: '/key' }).signer()))
        return { key: await signer(stored), nothing: await signer({}), 'an empty one': await signer({ Parameter: {} }) }
      },
    },
  ]
}

function issuing(issuer: Issuer): Ask {
  const handler = jwksHandler(issuer)
  const issued = (...call: Parameters<Issuer['issue']>): Promise<string> =>
    outcome(async () => partsOf(await issuer.issue(...call)))
  return async () => ({
    claims: await issued({ scope: 'orders:read' }),
    options: await issued({ scope: 'orders:read' }, {}),
    subject: await issued({}, { subject: 'user-1' }),
    jwks: await outcome(() =>
      issuer
        .jwks()
        .keys.map((key) => Object.keys(key).join(' '))
        .join(', '),
    ),
    answer: await outcome(async () => {
      const response = handler(REQUEST)
      return `${response.status} ${response.headers.get('cache-control')}`
    }),
    'direct answer': await outcome(() => issuer.jwksResponse({}).status.toString()),
    metadata: await outcome(() => stringify(issuer.metadata())),
  })
}

function partsOf(token: string): string {
  return (
    token
      .split('.')
      .slice(0, 2)
      .map((part) => Buffer.from(part, 'base64url').toString())
      // A key that is generated for the test has another thumbprint each time.
      .map((part) => part.replace(/"kid":"[\w-]{43}"/, '"kid":"a thumbprint"'))
      .join('.')
  )
}

function headerOf(token: string): string {
  const [part = ''] = token.split('.')
  return Buffer.from(part, 'base64url')
    .toString()
    .replace(/"epk":\{[^}]*\}/, '"epk"')
}

function described({ alg, kid, publicJwk }: Awaited<ReturnType<typeof localSigner>>): string {
  return stringify([alg, kid, Object.keys(publicJwk)])
}

function withoutKid<T extends object>(jwk: T): T {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== 'kid')) as T
}

async function jwkOf(key: unknown): Promise<object> {
  const { exportJWK } = await import('jose')
  return exportJWK(key as never)
}
