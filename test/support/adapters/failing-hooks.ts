import {
  type AuthenticatorOptions,
  claim,
  createVerifier,
  type Requirement,
  type VerifierOptions,
} from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { createNestedVerifier } from '@claimgate/core/jwe'
import { createTestKeys } from '@claimgate/testing'
import { CompactEncrypt, generateKeyPair } from 'jose'
import { createAuthority } from './authority.ts'

/** A hook of the application that fails while a request is authenticated. */
export interface FailingHook {
  readonly name: string
  /** The protected resource; `fail` is called in the hook. */
  readonly resource: (fail: () => unknown) => FailingResource
  /** The credentials of the request. It is accepted if the hook works, unless the hook creates the refusal. */
  readonly token: string | undefined
  /** 500 for a bug; 503 if the failure prevents a decision; 401 if the hook does not affect the answer. */
  readonly status: 401 | 500 | 503
  readonly part: 'verifier' | 'authenticator'
  /** Whether `explain` accepts the token, because it does not ask the hook. @defaultValue false */
  readonly explained?: boolean
  /** The result of the hook if it worked; absent if it is not called again for a cached token. */
  readonly works?: () => unknown
}

export interface FailingResource {
  readonly options: AuthenticatorOptions
  readonly requirement?: Requirement
}

const authority = await createAuthority()
const { issuer, audience } = authority.options
const keys = await createTestKeys('ES256', { kid: issuer })
const good = await authority.token({ scope: 'orders:read', jti: 'token-1', role: 'admin' })
const bound = await authority.token({ cnf: { jkt: 'thumbprint' } })
const now = Math.floor(Date.now() / 1000)
const withoutKeyId = await keys.sign({ iss: issuer, aud: audience, sub: 'alice', exp: now + 600 }, { kid: undefined })
const forged = `${good.slice(0, good.lastIndexOf('.'))}.${'A'.repeat(86)}`
const encryption = await generateKeyPair('RSA-OAEP-256')
const encrypted = await new CompactEncrypt(new TextEncoder().encode(good))
  .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
  .encrypt(encryption.publicKey)

const hook =
  (fail: () => unknown): (() => never) =>
  () =>
    fail() as never

/** Every hook that core calls while it authenticates a request. */
export const FAILING_HOOKS: readonly FailingHook[] = [
  {
    name: 'a verifier',
    works: () => createVerifier(authority.options).verify(good),
    part: 'authenticator',
    resource: (fail) => ({ options: { verifier: { ...createVerifier(authority.options), verify: hook(fail) } } }),
    token: good,
    status: 500,
  },
  keySource('a key source', (fail) => ({ resolve: hook(fail) }), good),
  {
    ...keySource('a key source with cached keys', (fail) => ({ resolve: rightKey, current: hook(fail) }), good),
    works: () => keys.publicKey,
  },
  keySource('a source of several keys', (fail) => ({ resolve: rightKey, candidates: hook(fail) }), withoutKeyId),
  keySource('a key source asked again', (fail) => ({ resolve: rightKey, resolveAgain: hook(fail) }), forged),
  {
    name: 'a binding',
    works: async () => undefined,
    part: 'authenticator',
    resource: (fail) => ({
      options: { ...authority.options, bindings: [{ confirmation: 'jkt', confirm: hook(fail) }] },
    }),
    token: bound,
    status: 503,
  },
  {
    ...option('a schema', (fail) => ({ claims: schema(hook(fail)) })),
    works: () => ({ value: {} }),
  },
  {
    ...option('a predicate of requiredClaims', (fail) => ({ requiredClaims: { role: hook(fail) } })),
    works: () => true,
  },
  option('the wall clock', (fail) => ({ clock: brokenClock('now', hook(fail)) })),
  { ...option('the monotonic clock', (fail) => ({ clock: brokenClock('monotonic', hook(fail)) })), explained: true },
  {
    ...option('a token check', (fail) => ({ checks: [{ name: 'check', check: hook(fail) }] }), 503),
    works: async () => undefined,
  },
  option(
    'the store of a denylist',
    (fail) => ({ checks: [denylist({ store: { ...createMemoryDenylist(), find: hook(fail) } })] }),
    503,
  ),
  {
    name: 'a function of issuers',
    works: () => authority.options,
    part: 'verifier',
    resource: (fail) => ({ options: { issuers: hook(fail) } }),
    token: good,
    status: 503,
  },
  {
    name: 'fetch',
    part: 'verifier',
    resource: (fail) => ({
      options: { issuer, audience, jwksUri: 'https://auth.example.com/jwks', fetch: hook(fail) },
    }),
    token: good,
    status: 503,
  },
  {
    name: 'a source of decryption keys',
    part: 'verifier',
    resource: (fail) => ({
      options: {
        verifier: createNestedVerifier({
          verifier: createVerifier(authority.options),
          decryption: { keys: { resolve: hook(fail) } },
        }),
      },
    }),
    token: encrypted,
    status: 500,
  },
  {
    name: 'a predicate of a claim',
    works: () => true,
    part: 'authenticator',
    resource: (fail) => ({ options: authority.options, requirement: claim('role', hook(fail)) }),
    token: good,
    status: 500,
  },
  {
    name: 'a requirement',
    works: () => true,
    part: 'authenticator',
    resource: (fail) => ({
      options: authority.options,
      requirement: { description: 'own', scopes: [], isMet: hook(fail) },
    }),
    token: good,
    status: 500,
  },
  {
    name: 'a log',
    part: 'authenticator',
    resource: (fail) => ({ options: { ...authority.options, log: { warn: fail } } }),
    token: undefined,
    status: 401,
  },
  { ...option('a listener to events', (fail) => ({ onEvent: hook(fail) }), 401), token: forged },
  {
    name: 'a body of refusals',
    part: 'authenticator',
    resource: (fail) => ({ options: { ...authority.options, refusalBody: hook(fail) } }),
    token: undefined,
    status: 500,
  },
]

function option(
  name: string,
  make: (fail: () => unknown) => Partial<VerifierOptions>,
  status: FailingHook['status'] = 500,
): FailingHook {
  return {
    name,
    part: 'verifier',
    resource: (fail) => ({ options: { ...authority.options, ...make(fail) } as AuthenticatorOptions }),
    token: good,
    status,
  }
}

type Keys = NonNullable<Extract<VerifierOptions, { readonly keys?: unknown }>['keys']>

function keySource(name: string, make: (fail: () => unknown) => Keys, token: string): FailingHook {
  return {
    name,
    part: 'verifier',
    resource: (fail) => ({ options: { issuer, audience, keys: make(fail) } }),
    token,
    status: 500,
  }
}

async function rightKey(): Promise<CryptoKey> {
  return keys.publicKey
}

function schema(validate: () => never) {
  return { '~standard': { version: 1 as const, vendor: 'test', validate } }
}

/** Works while options are read, and then fails. */
function brokenClock(name: 'now' | 'monotonic', fail: () => never) {
  let calls = 0
  const works = { now: () => Date.now(), monotonic: () => performance.now() }
  return { ...works, [name]: () => (name === 'now' && calls++ === 0 ? Date.now() : fail()) }
}
