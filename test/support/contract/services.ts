import {
  allOf,
  anyScope,
  type AuthenticatorOptions,
  AuthError,
  authorizationDetails,
  claim,
  createVerifier,
  type HttpOptions,
  type Requirement,
  scope,
  stepUp,
  type VerifiedToken,
} from '@claimgate/core'
import { protectedResource } from '@claimgate/core/metadata'
import type { JSONWebKeySet } from 'jose'
import { toyDpop } from '../adapters/toy-dpop.ts'
import { AUDIENCE, ISSUER } from './credentials.ts'
import { type HookPath, hookServices } from './hooks.ts'

/** A protected resource, the same in every adapter. */
export interface Service {
  readonly options: AuthenticatorOptions
  readonly requirement?: Requirement
}

export type ServicePath =
  | '/orders'
  | '/orders/write'
  | '/orders/both'
  | '/orders/either'
  | '/orders/acme'
  | '/orders/later'
  | '/orders/optional'
  | '/orders/optional-write'
  | '/orders/places'
  | '/orders/bare'
  | '/orders/forwarded'
  | '/orders/optional-places'
  | '/orders/browser'
  | '/orders/bound'
  | '/orders/bound-only'
  | '/orders/step-up'
  | '/orders/payment'
  | '/orders/payment-details'
  | '/orders/resource'
  | '/orders/plain-text'
  | '/orders/undecided'
  | '/orders/endpoint-down'
  | '/orders/bug'
  | HookPath

export type Services = Readonly<Record<ServicePath, Service>>

/** @param deadUri - the address of a JWK Set that refuses connections */
export function createServices(jwks: JSONWebKeySet, deadUri: string): Services {
  const policy = { issuer: ISSUER, audience: AUDIENCE }
  const verifier = createVerifier({ ...policy, jwks })
  const places: AuthenticatorOptions['credentials'] = [
    { from: 'authorization' },
    { from: 'header', name: 'X-Access-Token' },
    { from: 'cookie', name: 'token' },
    { from: 'query' },
    { from: 'form' },
  ]
  const unreachable = () => Promise.reject(new AuthError('keys_unavailable', { retryAfter: 7 }))
  return {
    '/orders': { options: { verifier } },
    '/orders/write': { options: { verifier }, requirement: scope('orders:write') },
    '/orders/both': { options: { verifier }, requirement: scope('orders:read', 'orders:write') },
    '/orders/either': { options: { verifier }, requirement: anyScope('orders:admin', 'orders:write') },
    '/orders/acme': { options: { verifier }, requirement: claim('tenant', 'acme') },
    '/orders/later': { options: { verifier }, requirement: allOf(decidedLater) },
    '/orders/optional': { options: { verifier, optional: true } },
    '/orders/optional-write': { options: { verifier, optional: true }, requirement: scope('orders:write') },
    '/orders/places': { options: { verifier, credentials: places } },
    '/orders/optional-places': { options: { verifier, credentials: places, optional: true } },
    '/orders/forwarded': {
      options: {
        verifier,
        credentials: [
          { from: 'authorization' },
          { from: 'header', name: 'X-Forwarded-Authorization', scheme: 'Bearer' },
        ],
      },
    },
    '/orders/bare': { options: { verifier, credentials: [{ from: 'authorization', bareToken: 'accept' }] } },
    '/orders/browser': { options: { verifier, realm: 'orders', exposeChallenge: true } },
    '/orders/bound': {
      options: { verifier, bindings: [toyDpop], exposeChallenge: true },
      requirement: scope('orders:read'),
    },
    '/orders/bound-only': {
      options: {
        verifier,
        bindings: [toyDpop],
        unboundTokens: 'refuse',
        challenge: { resource_metadata: 'https://orders.example.com/metadata' },
      },
    },
    '/orders/step-up': {
      options: { verifier, bindings: [toyDpop] },
      requirement: allOf(scope('orders:admin'), stepUp({ acr: ['mfa', 'hwk'], maxAge: 300 })),
    },
    '/orders/payment': {
      options: { verifier },
      requirement: authorizationDetails({
        type: 'payment',
        actions: ['initiate'],
        covers: ({ amount }) => amount === '20.00',
      }),
    },
    '/orders/payment-details': {
      options: { verifier, bindings: [toyDpop] },
      requirement: authorizationDetails({ type: 'payment', actions: ['cancel'], remediation: [{ type: 'payment' }] }),
    },
    '/orders/resource': {
      options: { verifier, bindings: [toyDpop], resource: protectedResource({ resource: AUDIENCE }) },
      requirement: scope('orders:write'),
    },
    '/orders/plain-text': {
      options: {
        verifier,
        refusalBody: ({ status }) => ({ contentType: 'text/plain', body: `No: ${status} – sorry` }),
      },
    },
    '/orders/undecided': { options: { ...policy, keys: { resolve: unreachable } } },
    '/orders/endpoint-down': { options: { ...policy, jwksUri: deadUri } },
    ...hookServices(verifier),
    '/orders/bug': {
      options: { verifier },
      requirement: claim('tenant', () => {
        throw new RangeError('a bug in a predicate')
      }),
    },
  }
}

/** A bug for a token without scopes. */
const decidedLater: Requirement = {
  description: 'two scopes',
  scopes: [],
  isMet: async ({ scopes }) => {
    await Promise.resolve()
    if (scopes.size === 0) throw new RangeError('a bug in a requirement')
    return scopes.size > 1
  },
}

/** The same services with these bindings. Those with other bindings are left out. */
export function withBindings(services: Services, bindings: HttpOptions['bindings'] & object): Services {
  const changed = Object.entries(services)
    .filter(([, { options }]) => !('bindings' in options))
    .map(([path, service]) => [path, { ...service, options: { ...service.options, bindings } }])
  return Object.fromEntries(changed) as Services
}

/** The answer of every service to an accepted request. */
export function greeting(auth: VerifiedToken | null | undefined, user?: unknown): string {
  const known = user ? ` as ${JSON.stringify(user)}` : ''
  return auth ? `${String(auth.claims['sub'])} may ${[...auth.scopes].join(' ')}${known}` : 'anonymous'
}
