import { encode } from 'jose/base64url'
import {
  bare,
  isScope,
  own,
  type ProtectedResource,
  type ResourceFacts,
  type ResourceResponse,
  withoutOrigin,
} from '../adapter.ts'
import {
  OFFLINE,
  PARAMETER_OF,
  type ProtectedResourceOptions,
  type ReadResourceOptions,
  readResourceOptions,
} from './options.ts'
import { metadataSigner, PAUSE } from './signed-metadata.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Describes this API to clients and their authorization servers (RFC 9728). Give it to the option `resource` of an adapter: tokens must then
 * have the resource as audience, and challenges name the address of the metadata. Fastify and gates also serve the metadata; in Express, write
 * `app.use(resourceMetadata(resource))` before `authenticateJwt`.
 *
 * The metadata is public: everyone can read it without a token, from every origin.
 *
 * @throws TypeError for options that are missing or wrong
 */
export function protectedResource(given: ProtectedResourceOptions): ProtectedResource {
  const options = readResourceOptions(given)
  const { resource } = options
  const { origin, pathname, search } = new URL(resource)
  // RFC 9728 section 3.1: a slash alone is no path.
  const path = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
  const paths = Object.freeze([...new Set([options.path ?? path, ...(options.atRoot ? [WELL_KNOWN] : [])])])
  const sign = metadataSigner(options)
  const facts = collectedFacts()
  let content: Content | undefined

  const contentOf = async (): Promise<Content> => {
    const known = facts.current()
    const now = options.clock.monotonic()
    if (content !== undefined && content.known === known && now < content.until) return content
    const metadata = Object.freeze(metadataOf(options, known))
    const signed = await sign(metadata)
    const body = JSON.stringify(signed === undefined ? metadata : bare({ ...metadata, signed_metadata: signed }))
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body))
    const etag = `"${encode(new Uint8Array(hash)).slice(0, 22)}"`
    content = { known, body, etag, until: now + options.maxAge * 1000 }
    return content
  }

  return Object.freeze<ProtectedResource>({
    resource,
    metadataUri: `${origin}${path}${search}`,
    paths,
    learn: (more) => facts.add(more),
    answer: (view) => {
      if (!METHODS.includes(view.method) || !isFor(view.target, paths, search)) return undefined
      return view.method === 'OPTIONS' ? Promise.resolve(PREFLIGHT) : respond(contentOf, options.maxAge, view)
    },
  })
}

interface Content {
  readonly known: KnownFacts
  readonly body: string
  readonly etag: string
  readonly until: number
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** Whether a request target is one of the paths, character by character. A query of the resource is part of its address; any other is ignored. */
function isFor(target: string, paths: readonly string[], search: string): boolean {
  const [path = '', ...query] = withoutOrigin(target).split('?')
  return paths.includes(path) && (search === '' || `?${query.join('?')}` === search)
}

const ORIGINS = { 'access-control-allow-origin': '*' }

// Clients send fields such as MCP-Protocol-Version, so browsers ask first.
const PREFLIGHT: ResourceResponse = Object.freeze({
  status: 204,
  headers: Object.freeze({
    ...ORIGINS,
    allow: METHODS.join(', '),
    'access-control-allow-methods': 'GET, HEAD',
    'access-control-allow-headers': '*',
    'access-control-max-age': '86400',
  }),
  body: '',
})

type View = Parameters<ProtectedResource['answer']>[0]

async function respond(contentOf: () => Promise<Content>, maxAge: number, view: View): Promise<ResourceResponse> {
  try {
    const { body, etag } = await contentOf()
    const headers = { ...ORIGINS, 'cache-control': `public, max-age=${Math.floor(maxAge)}`, etag }
    if (isCurrent(view.header('if-none-match'), etag)) return { status: 304, headers, body: '' }
    return {
      status: 200,
      headers: { ...headers, 'content-type': 'application/json' },
      body,
    }
  } catch {
    // The signer has logged why.
    const headers = { ...ORIGINS, 'cache-control': 'no-store', 'content-type': 'application/problem+json' }
    const body = JSON.stringify({ type: 'about:blank', title: 'Service Unavailable', status: 503 })
    return {
      status: 503,
      headers: { ...headers, 'retry-after': String(PAUSE) },
      body,
    }
  }
}

// RFC 9110 section 13.1.2.
function isCurrent(values: readonly unknown[], etag: string): boolean {
  const tags = values
    .flatMap((value) => (typeof value === 'string' ? value.split(',') : []))
    .map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

/** What authenticators and adapters have told. */
interface KnownFacts {
  readonly issuers: readonly string[]
  readonly scopes: readonly string[]
  readonly bearerMethods: readonly string[]
  readonly dpopAlgorithms: readonly string[]
  readonly takesCertificates: boolean
  /** Whether every authenticator accepts only tokens that are bound by DPoP. `undefined` before the first one. */
  readonly needsDpop: boolean | undefined
}

/** Collects facts. `current` returns the same object while nothing has changed. */
function collectedFacts(): { add(facts: ResourceFacts): void; current(): KnownFacts } {
  let known: KnownFacts = {
    issuers: [],
    scopes: [],
    bearerMethods: [],
    dpopAlgorithms: [],
    takesCertificates: false,
    needsDpop: undefined,
  }
  return {
    add: (facts) => {
      const now = withFacts(known, bare({ ...facts }))
      if (JSON.stringify(now) !== JSON.stringify(known)) known = now
    },
    current: () => known,
  }
}

function withFacts(known: KnownFacts, facts: ResourceFacts): KnownFacts {
  const { issuers = [], scopes = [], bearerMethods = [], confirmations, challenges, unboundTokens } = facts
  const algorithms = own(challenges?.get('DPoP') ?? {}, 'algs')
  const onlyDpop = unboundTokens === 'refuse' && confirmations?.join(' ') === 'jkt'
  return {
    issuers: union(known.issuers, issuers.filter(isIssuerUrl)),
    scopes: union(
      known.scopes,
      scopes.filter((scope) => isScope(scope) && scope !== OFFLINE),
    ),
    bearerMethods: union(known.bearerMethods, bearerMethods),
    dpopAlgorithms: union(known.dpopAlgorithms, typeof algorithms === 'string' ? algorithms.split(' ') : []),
    takesCertificates: known.takesCertificates || confirmations?.includes('x5t#S256') === true,
    needsDpop: confirmations === undefined ? known.needsDpop : (known.needsDpop ?? true) && onlyDpop,
  }
}

function union(known: readonly string[], more: readonly string[]): readonly string[] {
  return [...new Set([...known, ...more])]
}

// An issuer may be any text, but clients can only use a URL.
function isIssuerUrl(issuer: string): boolean {
  return /^https?:\/\/[^\s/?#"\\]+[^\s?#"\\]*$/.test(issuer) && URL.canParse(issuer)
}

/** The members of the document: what the options state, and otherwise what is known. */
function metadataOf(options: ReadResourceOptions, known: KnownFacts): Readonly<Record<string, unknown>> {
  const derived: Record<string, unknown> = bare({
    authorizationServers: known.issuers,
    bearerMethodsSupported: known.bearerMethods,
    scopesSupported: known.scopes,
    dpopSigningAlgValuesSupported: known.dpopAlgorithms,
    dpopBoundAccessTokensRequired: known.needsDpop || undefined,
    tlsClientCertificateBoundAccessTokens: known.takesCertificates || undefined,
  })
  const members = Object.entries(PARAMETER_OF)
    .map(([option, parameter]) => [parameter, own(options, option) ?? derived[option]] as const)
    .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
  return bare({ ...Object.fromEntries(members), ...options.additional })
}
