import {
  allOf,
  type Binding,
  createAuthenticator,
  createVerifier,
  type Outcome,
  type RequestView,
  scope,
  type VerifiedToken,
} from '@claimgate/core'
import {
  clientSecretBasic,
  clientSecretPost,
  createIntrospectionVerifier,
  fresh,
  type IntrospectionOptions,
  tlsClient,
} from '@claimgate/core/introspection'
import { type CertificateFormat, mtls, type MtlsOptions } from '@claimgate/core/mtls'
import {
  createLogoutEndpoint,
  createSecurityEventEndpoint,
  type RevocationEndpoint,
  sharedBearer,
} from '@claimgate/core/revocation'
import { createCallGuard, grpcAuthentication, type RefusedCall, type RequestSource } from '@claimgate/core/calls'
import { createConnections } from '@claimgate/core/connections'
import { selectVerifier, signedCookie } from '@claimgate/core/hooks'
import { statusList } from '@claimgate/core/status-list'
import { createHash, X509Certificate } from 'node:crypto'
import { issuerCertificate } from '../resilience/issuer-certificate.ts'
import { NOW } from '../core/jose-tokens.ts'
import { FIELDS, FLAGS, FORMATS } from '../mtls/certificates.ts'
import { dpopScenarios } from './dpop-scenarios.ts'
import { metadataScenarios } from './metadata-scenarios.ts'
import { operationsScenarios } from './operations-scenarios.ts'
import { providerScenarios } from './provider-scenarios.ts'
import { redisScenarios } from './redis-scenarios.ts'
import { CLIENT, eventToken, FORM, keys, logoutToken, RECEIVER } from '../revocation/world.ts'
import { lstOf, packed, statusToken } from '../status-list/world.ts'
import { outcome, type Scenario, stringify } from './scenario.ts'

const der = new X509Certificate(issuerCertificate.cert).raw
const thumbprint = createHash('sha256').update(der).digest('base64url')
const client = { ...issuerCertificate, der, thumbprint }

const providers = await providerScenarios()

/** The answers of core's features that confirm who sent a token, or ask about it. */
export function featureScenarios(): readonly Scenario[] {
  return [
    certificateScenarios(),
    introspectionScenarios(),
    metadataScenarios(),
    revocationScenarios(),
    dpopScenarios(),
    [statusListScenario(), hookScenario(), callScenario(), connectionScenario()],
    redisScenarios(),
    operationsScenarios(),
    providers,
  ].flat()
}

const ISSUER = 'https://auth.example.com'
const TOKENS_OF = 'https://issuer.example'
const exp = 4_000_000_000
const active = { active: true, iss: ISSUER, aud: 'orders-api', sub: 'ada', scope: 'orders:read', exp }

/** The answers of an endpoint, by token. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  good: active,
  empty: {},
  inactive: { active: false },
  'no audience': { ...active, aud: undefined },
  'no expiry': { ...active, exp: undefined },
  'no issuer': { ...active, iss: undefined },
  bound: { ...active, cnf: { jkt: 'key' } },
}

function introspectionScenarios(): readonly Scenario[] {
  const fetch = async (url: string, { body = '' }: { readonly body?: string }): Promise<Response> => {
    if (url.includes('.well-known')) return Response.json({ issuer: ISSUER, introspection_endpoint: `${ISSUER}/i` })
    return Response.json(ANSWERS[new URLSearchParams(body).get('token')?.replaceAll('-', ' ') ?? ''] ?? 'malformed')
  }
  const whole = { issuer: ISSUER, audience: 'orders-api', client: clientSecretBasic('api', 'secret'), fetch }
  const clients = {
    basic: whole.client,
    post: clientSecretPost('api', 'secret'),
    tls: tlsClient('api'),
  }
  const kinds: readonly [string, Partial<IntrospectionOptions>][] = [
    ['discovered', {}],
    ['of a given endpoint', { endpoint: `${ISSUER}/i`, cache: false }],
    ['of any audience', { audience: null }],
    ['with clientSecretPost', { client: clients.post }],
    ['with tlsClient', { client: clients.tls }],
  ]
  return [
    ...kinds.map(([name, more]) => ({
      name: `introspection, ${name}`,
      start: () => {
        const verifier = createIntrospectionVerifier({ ...whole, ...more })
        return async () => {
          const answers: Record<string, string> = {}
          for (const token of [...Object.keys(ANSWERS), 'malformed']) {
            const sent = token.replaceAll(' ', '-')
            answers[token] = await outcome(async () => `accepted ${stringify(await verifier.verify(sent))}`)
            answers[`${token}, again`] = await outcome(async () => `accepted ${stringify(await verifier.verify(sent))}`)
            const { steps } = await verifier.explain(sent)
            answers[`${token}, explained`] = steps.map(({ step, result }) => `${step} ${result}`).join()
          }
          return answers
        }
      },
    })),
    {
      name: 'a fresh answer about a token',
      start: () => {
        const verifier = createIntrospectionVerifier({ ...whole, endpoint: `${ISSUER}/i` })
        // Cannot ask, so the requirement must be an error.
        const plain = createVerifier({ issuer: ISSUER, audience: 'orders-api', secret: 'x'.repeat(32) })
        const authenticators = [createAuthenticator({ verifier }), createAuthenticator({ verifier: plain })]
        const view: RequestView = { method: 'GET', target: '/', header: () => ['Bearer good'] }
        const requirements = [fresh(), allOf(scope('orders:read'), fresh()), scope('orders:read')]
        return async () => {
          const answers: Record<string, string> = {}
          const token = await verifier.verify('good')
          for (const [at, requirement] of requirements.entries())
            for (const [of, authenticator] of authenticators.entries()) {
              const kind = (found: Outcome): string => (found.kind === 'authenticated' ? 'accepted' : 'refused')
              const [name, later] = [`${at} ${of}`, `${at} ${of}, later`]
              answers[name] = await outcome(async () => kind(await authenticator.authenticate(view, requirement)))
              answers[later] = await outcome(async () => kind(await authenticator.authorize(token, requirement)))
            }
          return answers
        }
      },
    },
    {
      name: 'the options of introspection',
      start: () => async () => {
        const answers: Record<string, string> = {}
        for (const missing of ['nothing', ...Object.keys(whole)]) {
          const given = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing))
          const make = (): unknown => createIntrospectionVerifier(given as unknown as IntrospectionOptions)
          answers[missing] = await outcome(() => `accepted ${typeof make()}`)
        }
        return answers
      },
    },
  ]
}

function certificateScenarios(): readonly Scenario[] {
  const fields = Object.fromEntries(FORMATS.map((format) => [format, FIELDS[format](client, [client])]))
  const token = {} as VerifiedToken
  const credential = { scheme: 'Bearer', token: 'x' }
  const confirmed = (binding: Binding, view: RequestView, value: unknown = thumbprint): Promise<string> =>
    outcome(async () => `accepted ${stringify(await binding.confirm(value, token, view, credential))}`)
  const viewOf = (field: string | undefined, more: object = {}): RequestView => ({
    method: 'GET',
    target: '/',
    header: (name) => (name === 'x-cert' ? (field === undefined ? [] : [field]) : (FLAGS[name] ?? [])),
    ...more,
  })
  const header = (format: CertificateFormat, trusted = true): Binding =>
    mtls({ from: 'header', name: 'x-cert', format, trust: () => trusted })
  return [
    {
      name: 'certificates of connections',
      start: () => {
        const binding = mtls({ from: 'connection' })
        return async () => ({
          certificate: await confirmed(binding, viewOf(undefined, { clientCertificate: () => der })),
          'another certificate': await confirmed(
            binding,
            viewOf(undefined, { clientCertificate: () => der.subarray(1) }),
          ),
          'no certificate': await confirmed(binding, viewOf(undefined)),
          'no thumbprint': await confirmed(binding, viewOf(undefined, { clientCertificate: () => der }), {}),
        })
      },
    },
    ...FORMATS.map((format) => ({
      name: `certificates of the format ${format}`,
      start: () => {
        const [trusting, distrusting] = [header(format), header(format, false)]
        return async () => ({
          certificate: await confirmed(trusting, viewOf(fields[format])),
          'without trust': await confirmed(distrusting, viewOf(fields[format])),
          'no field': await confirmed(trusting, viewOf(undefined)),
          'an empty field': await confirmed(trusting, viewOf('')),
          'a placeholder': await confirmed(trusting, viewOf('(null)')),
          'two certificates': await confirmed(trusting, viewOf(`${fields[format]},${fields[format]}`)),
        })
      },
    })),
    {
      name: 'the options of mtls',
      start: () => async () => {
        const answers: Record<string, string> = {}
        const whole = { from: 'header', name: 'x-cert', format: 'nginx', trust: () => false }
        for (const missing of ['nothing', ...Object.keys(whole)]) {
          const given = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing))
          answers[missing] = await outcome(() => `accepted ${mtls(given as unknown as MtlsOptions).confirmation}`)
        }
        return answers
      },
    },
  ]
}

/** Changes of the claims of logout tokens and security event tokens. */
const changes: Readonly<Record<string, object>> = {
  good: {},
  'no session': { sid: undefined },
  'no subject': { sid: undefined, sub: undefined, sub_id: undefined },
  'no events': { events: undefined },
  'empty events': { events: {} },
  'no audience': { aud: undefined },
  'no jti': { jti: undefined },
  'no iat': { iat: undefined },
  'no exp': { exp: undefined },
  'an empty subject': { sub_id: {} },
  'no iss': { sub_id: { format: 'iss_sub', sub: 'ada' } },
  'no user': { sub_id: { format: 'complex' } },
  'an opaque subject': { sub_id: { format: 'opaque', id: 'a' } },
  'an opaque subject without id': { sub_id: { format: 'opaque' } },
}

// Signed before anything is polluted.
const reports: [name: string, logout: string, event: string][] = []
for (const [name, change] of Object.entries(changes))
  reports.push([name, await logoutToken({ ...change }), await eventToken({ ...change })])

function revocationScenarios(): readonly Scenario[] {
  const clock = { now: () => NOW * 1000 }
  const secret = 'the-secret-of-the-transmitter-0123'
  const send = async (endpoint: RevocationEndpoint, body: string, type: string, authorization?: string) => {
    const fields: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
      'content-type': type,
      authorization,
    })
    const view: RequestView = {
      method: 'POST',
      target: '/',
      header: (name) => (fields[name] === undefined ? [] : [fields[name]]),
    }
    return outcome(async () => {
      const { status, body: text } = await endpoint.receive(view, { parsed: body })
      return `${status < 300 ? 'accepted' : 'refused'} ${status} ${text}`
    })
  }
  const calls: string[] = []
  const recorded =
    (name: string) =>
    async (...given: readonly unknown[]): Promise<void> =>
      void calls.push(`${name} ${given.filter((each) => typeof each === 'string').join(' ')}`)
  const list = {
    check: async () => {},
    denyToken: async () => {},
    denySubject: recorded('subject'),
    denySession: recorded('session'),
  }
  const common = { denylist: list, issuer: TOKENS_OF, jwks: { keys: [keys.publicJwk] }, clock }
  const endpoints = {
    logout: () => createLogoutEndpoint({ ...common, clientId: CLIENT }),
    events: () => createSecurityEventEndpoint({ ...common, audience: RECEIVER, authenticate: null }),
    secret: () => createSecurityEventEndpoint({ ...common, audience: RECEIVER, authenticate: sharedBearer(secret) }),
  }
  return [
    {
      name: 'logout tokens and security events',
      start: () => {
        const [logout, events, guarded] = [endpoints.logout(), endpoints.events(), endpoints.secret()]
        return async () => {
          calls.length = 0
          const answers: Record<string, string> = {}
          for (const [name, logoutJwt, eventJwt] of reports) {
            answers[`logout, ${name}`] = await send(logout, `logout_token=${logoutJwt}`, FORM)
            answers[`event, ${name}`] = await send(events, eventJwt, 'application/secevent+jwt')
          }
          const [, , event = ''] = reports[0] ?? []
          answers['no form'] = await send(logout, '', FORM)
          answers['no content type'] = await send(logout, 'logout_token=a', '')
          answers['no secret'] = await send(guarded, event, 'application/secevent+jwt')
          answers['the secret'] = await send(guarded, event, 'application/secevent+jwt', `Bearer ${secret}`)
          answers['revoked'] = calls.join(', ')
          return answers
        }
      },
    },
    {
      name: 'the options of revocation endpoints',
      start: () => async () => {
        const answers: Record<string, string> = {}
        const whole = { ...common, clientId: CLIENT, audience: RECEIVER, authenticate: null }
        for (const missing of ['denylist', 'issuer', 'clientId', 'audience', 'authenticate']) {
          const { audience: _, authenticate: _none, ...logout } = whole
          const { clientId: _client, ...events } = whole
          const without = (given: object): never =>
            Object.fromEntries(Object.entries(given).filter(([name]) => name !== missing)) as never
          answers[`logout without ${missing}`] = await outcome(
            () => `accepted ${typeof createLogoutEndpoint(without(logout))}`,
          )
          answers[`events without ${missing}`] = await outcome(
            () => `accepted ${typeof createSecurityEventEndpoint(without(events))}`,
          )
        }
        return answers
      },
    },
  ]
}

const LIST = 'https://status.example.com/1'
const list = { iss: TOKENS_OF, sub: LIST, iat: NOW, status_list: { bits: 1, lst: lstOf(packed(1, [0, 1])) } }
const listTokens: readonly (readonly [name: string, text: string])[] = [
  ['good', await keys.sign(list, { typ: 'statuslist+jwt' })],
  ['without typ', await keys.sign(list, { typ: undefined })],
  ['without sub', await keys.sign({ ...list, sub: undefined }, { typ: 'statuslist+jwt' })],
  ['without list', await keys.sign({ ...list, status_list: {} }, { typ: 'statuslist+jwt' })],
]
const statusTokens = [
  await statusToken(LIST, 0),
  await statusToken(LIST, 1),
  await statusToken(LIST, 9),
  await statusToken(LIST, undefined),
]

function statusListScenario(): Scenario {
  return {
    name: 'status lists',
    start: () => {
      const verifiers = listTokens.map(([name, text]) => {
        const clock = { now: () => NOW * 1000 }
        const checks = [statusList({ hosts: ['status.example.com'], clock, fetch: async () => new Response(text) })]
        const options = { issuer: TOKENS_OF, audience: 'https://api.example', jwks: { keys: [keys.publicJwk] } }
        return [name, createVerifier({ ...options, clock, checks })] as const
      })
      return async () => {
        const answers: Record<string, string> = {}
        for (const [name, verifier] of verifiers)
          for (const [index, token] of statusTokens.entries())
            answers[`${name} ${index}`] = await outcome(async () => `accepted ${typeof (await verifier.verify(token))}`)
        return answers
      }
    },
  }
}

/** Verifiers by tenant, signed cookies and the user, for a good token and a bad one. */
function hookScenario(): Scenario {
  return {
    name: 'functions of the application',
    start: () => {
      const options = { issuer: TOKENS_OF, audience: 'https://api.example', jwks: { keys: [keys.publicJwk] } }
      const verifier = createVerifier({ ...options, clock: { now: () => NOW * 1000 } })
      const unsign = (value: string): string | false => value.endsWith('~signed') && value.slice(0, -7)
      const authenticators = {
        select: createAuthenticator({
          verifier: selectVerifier({ verifiers: { acme: verifier }, select: (view) => view.header('x-tenant')[0] }),
        }),
        cookie: createAuthenticator({ verifier, extractToken: signedCookie('session', unsign) }),
        user: createAuthenticator({
          verifier,
          onAuthenticated: ({ claims }, view) => view.header('x-tenant').length > 0 && claims.sub,
        }),
      }
      return async () => {
        const answers: Record<string, string> = {}
        for (const [name, authenticator] of Object.entries(authenticators))
          for (const [index, token] of statusTokens.entries())
            for (const tenant of ['acme', 'other', undefined])
              answers[`${name} ${index} ${tenant}`] = await outcome(async () => {
                const view = hookView(token, tenant)
                const explained = await authenticator.explain(view)
                const decided = await authenticator.authenticate(view)
                return stringify([explained.accepted, decided.kind === 'refused' ? decided.error.code : decided])
              })
        return answers
      }
    },
  }
}

function hookView(token: string, tenant: string | undefined): RequestView {
  const fields = new Map([
    ['authorization', `Bearer ${token}`],
    ['cookie', `session=${token}${tenant === 'acme' ? '~signed' : ''}`],
    ...(tenant === undefined ? [] : ([['x-tenant', tenant]] as const)),
  ])
  return { method: 'GET', target: '/', header: (name) => (fields.has(name) ? [fields.get(name) ?? ''] : []) }
}

/** Connections that open with a good token, a bad one and none, and get another token. */
function connectionScenario(): Scenario {
  return {
    name: 'connections',
    start: () => {
      const options = { issuer: TOKENS_OF, audience: 'https://api.example', jwks: { keys: [keys.publicJwk] } }
      const connections = createConnections({ ...options, clock: { now: () => NOW * 1000 } })
      return async () => {
        const answers: Record<string, string> = {}
        for (const [index, token] of connectionTokens.entries())
          for (const [name, source] of callSources[index] ?? [])
            if (name !== 'fetch')
              answers[`${name} ${index}`] = await outcome(async () => {
                const opened = await connections.open(source)
                if (opened.connection === undefined) return `refused ${stringify([opened.end, opened.response])}`
                const { connection } = opened
                const answered = [await connection.authenticate(token), connection.token, connection.expiresAt]
                const refused = await connection.authenticate({})
                return `accepted ${stringify([answered, refused, connection.token ?? 'none'])}`
              })
        return answers
      }
    },
  }
}

/** Calls in a request of the Fetch API, in one of Node and in gRPC, for a good token, a bad one and none. */
function callScenario(): Scenario {
  return {
    name: 'calls',
    start: () => {
      const options = { issuer: TOKENS_OF, audience: 'https://api.example', jwks: { keys: [keys.publicJwk] } }
      const guard = createCallGuard({ ...options, clock: { now: () => NOW * 1000 } })
      const { interceptor } = grpcAuthentication({ ...options, clock: { now: () => NOW * 1000 } }, GRPC as never, {
        [METHOD]: scope('orders:read'),
      })
      const worded = ({ status, trpcCode, grpcCode, extensions, headers, message }: RefusedCall): string =>
        `refused ${stringify([status, trpcCode, grpcCode, extensions, headers, message])}`
      return async () => {
        const answers: Record<string, string> = {}
        for (const [index, sources] of callSources.entries())
          for (const [name, source] of sources) {
            const caller = guard.callerOf(source)
            for (const needed of [[], [scope('x')]])
              answers[`${name} ${index} ${needed.length}`] = await caller.token(...needed).then(
                ({ claims }) => `accepted ${stringify(claims)}`,
                (refused: RefusedCall) => worded(refused),
              )
            if (name === 'view') answers[`grpc ${index}`] = await grpcAnswer(interceptor, source as RequestView)
          }
        return answers
      }
    },
  }
}

const connectionTokens = [...statusTokens, undefined]

// Made before anything is on Object.prototype: what the runtime's own Request reads there is not Claimgate's.
const callSources: readonly (readonly (readonly [string, RequestSource])[])[] = [...statusTokens, undefined].map(
  (token) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return [
      ['fetch', new Request('https://api.example/', { headers })],
      ['node', { method: 'GET', url: '/', headers, rawHeaders: Object.entries(headers).flat(), socket: undefined }],
      ['view', { method: 'GET', target: '/', header: () => Object.values(headers) }],
    ]
  },
)

const METHOD = '/shop.Orders/Get'

type Next = (listener: { onReceiveMetadata(metadata: object, next: () => void): void }) => void

/** A stand-in for the library: it passes the metadata on, and statuses. */
const GRPC = {
  ServerInterceptingCall: class {
    readonly call: { start(listener: object): void }
    readonly responder: { start(next: Next): void }
    constructor(call: { start(listener: object): void }, responder: { start(next: Next): void }) {
      this.call = call
      this.responder = responder
    }
    start(listener: { onReceiveMetadata(): void }): void {
      this.responder.start((own) =>
        this.call.start({
          receive: (metadata: object) => own.onReceiveMetadata(metadata, () => listener.onReceiveMetadata()),
        }),
      )
    }
  },
  Metadata: { fromHttp2Headers: (headers: object) => headers },
}

function grpcAnswer(
  interceptor: (method: { readonly path: string }, call: never) => unknown,
  { header }: RequestView,
): Promise<string> {
  return new Promise((resolve) => {
    const call = {
      start: (listener: { receive(metadata: object): void }) => listener.receive({ get: header }),
      sendStatus: (status: object) => resolve(`refused ${stringify(status)}`),
    }
    const started = interceptor({ path: METHOD }, call as never) as { start(listener: object): void }
    started.start({ onReceiveMetadata: () => resolve('accepted'), onCancel: () => {} })
  })
}
