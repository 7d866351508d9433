import {
  ADAPTER_OPTIONS,
  asError,
  asRefusal,
  assertCanAsk,
  type Authenticator,
  type AuthenticatorOptions,
  bare,
  type Clock,
  clockOf,
  createAuthenticator,
  createLogRefusal,
  HTTP_OPTIONS,
  ignoreRejection,
  isRequirement,
  isThenable,
  misconfigured,
  narrowing,
  type NodeRequest,
  numberIn,
  type OptionTable,
  own,
  quote,
  readOptions,
  type RefusalLog,
  type RequestSource,
  type RequestView,
  type RequirementOption,
  type VerifiedToken,
  type Verifier,
  viewOf,
} from '../adapter.ts'
import { admit, failedConnection, type Gatekeeper, type RefusedConnection } from './admission.ts'
import { type Connection, type ConnectionEnd, endOf, OpenConnection } from './connection.ts'
import { answerUpgrade, type UpgradeSocket } from './upgrade.ts'

/** Options of an authenticator, and those of connections. */
export type ConnectionsOptions<C extends object = object> = AuthenticatorOptions<C> & {
  readonly optional?: false
} & ConnectionRules

/** What connections need beside the options of an authenticator. */
export interface ConnectionRules extends RequirementOption {
  /**
   * Seconds between verifications of the token of an open connection, which notice that it was revoked or that its key was withdrawn. From 1 to
   * 3,600. @defaultValue 60
   */
  readonly verifyEvery?: number
}

/** The options of connections. */
export const CONNECTIONS: OptionTable<ConnectionRules> = {
  requirement: narrowing(
    { be: 'a requirement such as scope("orders:read")', fits: isRequirement },
    'leave it out, or check the name of what it is set to',
  ),
  verifyEvery: numberIn({ least: 1, most: 3600, default: 60 }),
}

/** Authenticates connections that live longer than a request, such as WebSockets. */
export interface Connections<C extends object = object> {
  /** The verifier, for `ready()` at start-up and `close()`. */
  readonly verifier: Verifier<C>
  /**
   * Authenticates a connection that opens. Never rejects. Nothing keeps a connection that you do not use: it has no timer before `onEnd`.
   *
   * @param request - the request that opens it, of any kind
   * @param token - a token that the client sent in a message. Then the request is not searched for one. @defaultValue that of the request
   */
  open(request: RequestSource, token?: unknown): Promise<Opened<C> | NotOpened>
  /**
   * Authenticates an upgrade, and answers it if it is refused, with the status of the refusal. Call it in the `upgrade` event of `node:http`, where no
   * middleware runs.
   *
   * @param accept - called if it is accepted and the client is still there: your WebSocket server answers the handshake. If it throws or rejects,
   * the socket is destroyed
   */
  upgrade(request: NodeRequest, socket: UpgradeSocket, accept: (connection: Connection<C>) => unknown): void
}

/** A connection that was accepted. */
export interface Opened<C extends object = object> {
  readonly kind: 'open'
  readonly connection: Connection<C>
  readonly end?: undefined
}

/** A connection that was refused. */
export interface NotOpened extends RefusedConnection {
  readonly connection?: undefined
  /** How to tell the client. */
  readonly end: ConnectionEnd
}

const ACTION = 'create connections'

/**
 * Creates the gate for long-lived connections: each is authenticated when it opens, verified again from time to time, and ends when its token
 * expires unless the client sends another token of the same subject.
 *
 * A DPoP proof is checked only when a connection opens, because a message has none: a bound token cannot replace another one.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createConnections<C extends object = object>(given: ConnectionsOptions<C>): Connections<C> {
  const options = readOptions(ACTION, given, CONNECTIONS, { beside: ADAPTER_OPTIONS }) as ConnectionsOptions<C> &
    Required<Pick<ConnectionRules, 'verifyEvery'>>
  const { requirement, verifyEvery } = options
  if (own(options, 'optional'))
    throw misconfigured(ACTION, 'leave out "optional", because every connection needs a token')
  const authenticator = createAuthenticator<C>(chosen(options, (name) => !Object.hasOwn(CONNECTIONS, name)))
  const { verifier } = authenticator
  if (requirement !== undefined) {
    assertCanAsk(ACTION, requirement, verifier)
    own(authenticator, 'resource')?.learn({ scopes: requirement.scopes })
  }
  const { authenticator: forMessages, carrying } = messageAuthenticator<C>(options, verifier)
  const clock = clockOf(verifier)
  const gatekeeper: Gatekeeper = { clock, requirement, report: reportTo(own(options, 'log'), clock) }
  const confirmations = own(options, 'bindings')?.map(({ confirmation }) => confirmation) ?? []

  const open: Connections<C>['open'] = async (request, token) => {
    let view: RequestView
    try {
      view = viewOf('open connection', request)
    } catch (bug) {
      gatekeeper.report(asError(bug))
      return refused(failedConnection(bug))
    }
    const outcome = await (token === undefined
      ? admit(gatekeeper, authenticator, view)
      : admit(gatekeeper, forMessages, carrying(view, token)))
    if (outcome.kind === 'refused') return refused(outcome)
    const parts = {
      ...gatekeeper,
      verifier,
      verifyEvery,
      context: bare({ confirmations, view }),
      admit: (next: unknown, current: VerifiedToken<C>) =>
        admit(gatekeeper, forMessages, carrying(view, next), current),
    }
    return bare({ kind: 'open', connection: new OpenConnection<C>(parts, outcome) })
  }

  const upgrade: Connections<C>['upgrade'] = (request, socket, accept) => {
    // A client may reset the connection at any time. Without a listener, that would end the process.
    socket.on('error', () => socket.destroy())
    const fail = (thrown: unknown): void => {
      gatekeeper.report(asError(thrown))
      socket.destroy()
    }
    const run = async (): Promise<void> => {
      const outcome = await open(request)
      if (socket.destroyed) return
      if (outcome.kind === 'refused') return answerUpgrade(socket, outcome.response)
      const accepted = accept(outcome.connection)
      if (isThenable(accepted)) await accepted
    }
    run().catch(fail)
  }

  return Object.freeze(bare<Connections<C>>({ verifier, open, upgrade }))
}

function refused(outcome: RefusedConnection): NotOpened {
  return bare({ ...outcome, end: endOf(outcome.error) })
}

interface MessageAuthenticator<C extends object> {
  readonly authenticator: Authenticator<C>
  /** The view of the request that opened a connection, with a token from a message. */
  readonly carrying: (view: RequestView, token: unknown) => RequestView
}

// A token in a message is the only credential: the request still has the earlier one.
function messageAuthenticator<C extends object>(
  options: ConnectionsOptions<C>,
  verifier: Verifier<C>,
): MessageAuthenticator<C> {
  const tokens = new WeakMap<RequestView, unknown>()
  const ofRequest = ['credentials', 'extractToken', 'resource', 'verifier']
  const http = chosen(options, (name) => HTTP_OPTIONS.includes(name) && !ofRequest.includes(name))
  const extractToken = (view: RequestView): string => tokens.get(view) as string
  return {
    authenticator: createAuthenticator<C>(bare({ ...http, verifier, extractToken })),
    carrying: (view, token) => {
      const carrier: RequestView = bare({
        method: view.method,
        target: view.target,
        header: (name: string) => view.header(name),
        clientCertificate: () => (own(view, 'clientCertificate') ? view.clientCertificate?.() : undefined),
        peer: own(view, 'peer'),
      })
      tokens.set(carrier, token)
      return carrier
    },
  }
}

function chosen<C extends object>(
  options: ConnectionsOptions<C>,
  isChosen: (name: string) => boolean,
): AuthenticatorOptions<C> {
  return bare(Object.fromEntries(Object.entries(options).filter(([name]) => isChosen(name)))) as AuthenticatorOptions<C>
}

// The authenticator logs its own refusals.
function reportTo(log: RefusalLog | false | undefined, clock: Clock): (error: Error) => void {
  if (log === undefined || log === false) return () => {}
  const logRefusal = createLogRefusal(clock)
  const write = (code: string, message: string): unknown => log.warn(`Connection ended (${code}): ${message}`)
  return (error) => {
    const refusal = asRefusal(error)
    if (refusal !== undefined) return logRefusal(refusal, ({ code, message }) => write(code, message))
    try {
      ignoreRejection(write(error.name, quote(error.message)))
    } catch {
      // A failing log must not change the answer.
    }
  }
}
