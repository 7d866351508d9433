import { createAuthenticator, scope } from '@claimgate/core'
import { answerOf } from './narrator.ts'
import type { Answer, ShowState } from './show-state.ts'
import { logIn, type Stage } from './stage.ts'
import { claimsOf, headerOf, signedWithPublicKey, tampered, unsigned } from './tokens.ts'

/** The interactive part of the demo. */
export interface Show {
  state(): ShowState
  /** Does what a button of the page says. An action that fails is reported in the log. */
  act(name: string, argument: string): Promise<ShowState>
}

interface Session {
  readonly user: string
  readonly original: string
  readonly token: string
  readonly form: string
}

const PROTECTED = 'GET /api/v1/protected'
const LINES = { read: PROTECTED, write: 'POST /api/v1/orders' } as const
const LONGEST_LOG = 30

/** Creates the show on a stage. The stage keeps what earlier steps of the demo did to it. */
export function createShow(stage: Stage): Show {
  const answers = new Map<string, Answer>()
  let log: ShowState['log'] = []
  let session: Session | undefined
  let isUp = true
  let number = 0

  const tell = (title: string, text: string): void => {
    number += 1
    log = [{ number, title, text }, ...log].slice(0, LONGEST_LOG)
  }
  const current = (): Session => {
    if (session === undefined) throw new Error('Log in first')
    return session
  }

  const call = async (line: (typeof LINES)[keyof typeof LINES], sent: Session | undefined): Promise<void> => {
    const question = { line, ...(sent !== undefined && { token: sent.token }) }
    const found = await Promise.all(
      stage.servers.map(async ({ name, url }) => {
        const answer = await answerOf(url, question)
        answers.set(name, answer)
        return `${name} ${answer.status}`
      }),
    )
    const who = sent === undefined ? 'without a token' : `as ${sent.user}, ${sent.form}`
    tell(`${line}, ${who}: ${found.join(', ')}`, await why(stage, line, sent?.token, [...answers.values()]))
  }

  const forgeries: Readonly<Record<string, (token: string) => string | Promise<string>>> = {
    'original token': (token) => token,
    'claims changed': (token) => tampered(token, { sub: 'root', role: 'writer', scope: 'orders:read orders:write' }),
    'signature removed': unsigned,
    'public key as secret': (token) => signedWithPublicKey(token, stage.auth().issuer.jwks().keys[0] ?? {}),
  }

  const actions: Readonly<Record<string, (argument: string) => Promise<void>>> = {
    'log-in': async (user) => {
      if (user !== 'ada' && user !== 'bob') throw new Error('Only Ada and Bob have an account')
      const token = await logIn(stage, user)
      session = { user, original: token, token, form: 'original token' }
      tell(`${user} logged in`, `The auth service issued a token, signed with key ${String(headerOf(token)['kid'])}.`)
    },
    call: async (what) => call(what === 'write' ? LINES.write : LINES.read, current()),
    'call-without': async () => call(LINES.read, undefined),
    tamper: async (form) => {
      const forge = Object.hasOwn(forgeries, form) ? forgeries[form] : undefined
      if (forge === undefined) throw new Error('There is no such forgery')
      const { user, original } = current()
      session = { user, original, form, token: await forge(original) }
      tell(`The token of ${user}: ${form}`, 'Call an API to see what it does with it.')
    },
    rotate: async () => {
      // Servers ask for an unknown key at most every 30 seconds.
      stage.clock.pass(60)
      const { kid } = await stage.auth().rotate({ publishAhead: 0 })
      tell(
        `The auth service signs with key ${kid} now`,
        'The old key stays published until its last token has expired.',
      )
    },
    outage: async (wanted) => {
      if ((wanted === 'up') === isUp) return
      isUp = wanted === 'up'
      await (isUp ? stage.auth().resume() : stage.auth().pause())
      tell(
        isUp ? 'The auth service is back' : 'The auth service is down',
        isUp
          ? 'Servers fetch its keys again when they need to.'
          : 'Its port refuses connections. Servers verify tokens with the keys they have.',
      )
    },
    'log-out': async () => {
      const { user, original } = current()
      const { status } = await answerOf(stage.auth().url, { line: 'POST /api/v1/logout', token: original })
      tell(
        `${user} logs out: auth ${status}`,
        status === 204
          ? 'The auth service told express and fastify that the session has ended. The worker has no denylist: there, the token lives until it expires.'
          : 'The session was not ended.',
      )
    },
    pass: async (minutes) => {
      const wanted = Number(minutes)
      if (!(wanted > 0 && wanted <= 60)) throw new Error('Time passes from 1 to 60 minutes')
      stage.clock.pass(wanted * 60)
      tell(`${wanted} minutes pass`, "All servers share the demo's clock.")
    },
  }

  const state = (): ShowState => ({
    auth: {
      url: stage.auth().url,
      isUp,
      keys: stage
        .auth()
        .issuer.jwks()
        .keys.map(({ kid = '' }) => kid),
    },
    servers: stage.servers.map(({ name, url }) => {
      const answer = answers.get(name)
      return { name, url, keySet: stage.keySet(name), ...(answer !== undefined && { answer }) }
    }),
    ...(session !== undefined && { session: shown(session, stage.clock.now()) }),
    log,
  })

  return {
    state,
    act: async (name, argument) => {
      try {
        const action = Object.hasOwn(actions, name) ? actions[name] : undefined
        if (action === undefined) throw new Error('There is no such action')
        await action(argument)
      } catch (error) {
        tell(
          'That did not work',
          isUp ? (error instanceof Error ? error.message : String(error)) : 'The auth service is down.',
        )
      }
      return state()
    },
  }
}

function shown({ user, form, token }: Session, now: number): NonNullable<ShowState['session']> {
  const claims = claimsOf(token)
  const secondsLeft = Math.round(Number(claims['exp']) - now / 1000)
  return { user, form, header: headerOf(token), claims, secondsLeft }
}

/** Why the servers answered as they did. Their clients get less: the same text for every bad token. */
async function why(
  { verifier }: Stage,
  line: string,
  token: string | undefined,
  answers: readonly Answer[],
): Promise<string> {
  if (token === undefined)
    return 'Without credentials, the challenge says only which scheme to use (RFC 6750 section 3.1).'
  const { accepted, summary } = await verifier.explain(token)
  if (!accepted) return summary
  if (answers.some(({ status }) => status === 401)) {
    return 'The token itself is valid. The servers that answer 401 were told that its session has ended.'
  }
  if (line === PROTECTED) return summary
  const outcome = await createAuthenticator(verifier).authorize(await verifier.verify(token), scope('orders:write'))
  return outcome.kind === 'refused' ? `Refused (${outcome.error.code}): ${outcome.error.message}` : summary
}
