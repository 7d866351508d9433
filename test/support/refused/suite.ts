import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FAILING_HOOKS } from '../adapters/failing-hooks.ts'
import { FAILURES, THROWN_VALUES } from '../adapters/thrown-values.ts'
import { type Answer, clientH1, clientH2, type Client, type Patience, PATIENCES } from './client.ts'
import { formPath, hookPath, type RefusingServer, slowKeysPath, type StartServer } from './servers.ts'
import { createWorld, later, type Situation, SITUATIONS, SLOW_KEY, type TokenKind, WAIT, type World } from './world.ts'

/** A server of the suite, and what is expected of it. */
export interface Setup {
  readonly name: string
  readonly start: StartServer
  readonly protocol: 'http/1.1' | 'h2'
  readonly situations: readonly Situation[]
  /** If a hook throws, Fastify creates the body of a refusal, without `onReject`. */
  readonly answers: 'as onReject says' | 'as an error'
  /** How hooks of the application fail. */
  readonly values: typeof THROWN_VALUES
}

/** Values that some framework treats as "continue", and an error. */
export const SOME_VALUES = THROWN_VALUES.filter(([name]) =>
  ['undefined', 'null', 'an empty string', "'route'", "'router'", 'an error'].includes(name),
)

/** What most servers have. */
export const usual = {
  protocol: 'http/1.1',
  situations: SITUATIONS,
  answers: 'as onReject says',
  values: THROWN_VALUES,
} as const
interface Refusal {
  readonly name: string
  readonly status: 400 | 401 | 403 | 503
  /** `undefined` sends no token. */
  readonly token: TokenKind | 'malformed' | undefined
}

const REFUSALS: readonly Refusal[] = [
  { name: 'a malformed credential', status: 400, token: 'malformed' },
  { name: 'no credential', status: 401, token: undefined },
  { name: 'a forged token', status: 401, token: 'forged' },
  { name: 'a token without the scope', status: 403, token: 'without the scope' },
  { name: 'a token of unavailable keys', status: 503, token: 'of keys that are unavailable' },
]

interface SlowRefusal extends Refusal {
  readonly token: TokenKind
  readonly keys: 'alive' | 'dead'
  /** A new key ID, unless one is given. */
  readonly keyId?: string
}

const SLOW_REFUSALS: readonly SlowRefusal[] = [
  { name: 'a token of an unknown key', status: 401, token: 'of an unknown key', keys: 'alive' },
  { name: 'a forged token', status: 401, token: 'forged', keys: 'alive', keyId: SLOW_KEY },
  { name: 'a token without the scope', status: 403, token: 'without the scope', keys: 'alive', keyId: SLOW_KEY },
  { name: 'a token of a key that cannot be fetched', status: 503, token: 'of an unknown key', keys: 'dead' },
]

const METHODS = ['GET', 'POST with JSON', 'POST with a form', 'DELETE'] as const
type Method = (typeof METHODS)[number]

const uncaught: unknown[] = []
const remember = (error: unknown): void => void uncaught.push(error ?? 'nothing')

/** Sends requests that must be refused to every server, and counts what runs. */
export function testRefusals(setups: readonly Setup[]): void {
  beforeAll(() => {
    process.on('uncaughtException', remember)
    process.on('unhandledRejection', remember)
  })

  afterAll(() => {
    process.off('uncaughtException', remember)
    process.off('unhandledRejection', remember)
  })

  describe.each(setups)(
    '37. A refused request runs nothing: $name',
    ({ start, protocol, situations, answers, values }) => {
      let world: World
      let server: RefusingServer
      const admittedIds = new Set<string>()
      const names = new Map<string, string>()

      beforeAll(async () => {
        world = await createWorld()
        server = await start(world, situations)
      })

      afterAll(async () => {
        await server.close()
        await world.close()
      })

      /** Sends all requests concurrently, and returns each unexpected result. */
      async function differences(cases: readonly Case[]): Promise<readonly unknown[]> {
        const client = protocol === 'h2' ? clientH2(world, server.port) : clientH1(world, server.port)
        const before = uncaught.length
        const found = await Promise.all(
          cases.map(async (one) => ({ name: one.name, ...(await outcomeOf(client, one)) })),
        )
        for (const { id, name } of cases) names.set(id, name)
        // Requests of clients that have disconnected may still run; the last test checks what they did.
        void later(3 * WAIT).then(client.close)
        const served = cases.filter(({ id, served: wanted }) => world.served.has(id) !== wanted).map(({ name }) => name)
        return [
          ...found.filter(({ differs }) => differs),
          ...served.map((name) => `${name}: wrongly served or not`),
          ...uncaught.slice(before).map((error) => ({ uncaught: error })),
        ]
      }

      async function outcomeOf(
        { send }: Client,
        one: Case,
      ): Promise<{ readonly differs: boolean; readonly answer: unknown }> {
        try {
          const answer = await send(one)
          return { differs: answer !== undefined && !one.expected(answer), answer }
        } catch (error) {
          return { differs: true, answer: String(error) }
        }
      }

      it.each(situations)('%s', async (situation) => {
        const cases = REFUSALS.flatMap((refusal) =>
          METHODS.flatMap((method) => PATIENCES.map((patience) => refused({ situation, refusal, method, patience }))),
        )
        expect(await differences(await Promise.all(cases))).toEqual([])
      })

      it.each(['plain', 'waiting'] as const)('%s, while the keys are fetched', async (situation) => {
        const cases = SLOW_REFUSALS.flatMap((refusal) =>
          METHODS.flatMap((method) => PATIENCES.map((patience) => fetching({ situation, refusal, method, patience }))),
        )
        expect(await differences(await Promise.all(cases))).toEqual([])
      })

      it('but serves accepted requests', async () => {
        const cases = [
          ...situations.flatMap((situation) => METHODS.map((method) => admitted(situation, method))),
          admitted('plain', 'GET', slowKeysPath('alive', 'plain')),
        ]
        expect(await differences(await Promise.all(cases))).toEqual([])
      })

      it.each(FAILING_HOOKS.map(({ name }, index) => [name, index] as const))('%s that fails', async (_name, index) => {
        const { token, status } = FAILING_HOOKS[index] as (typeof FAILING_HOOKS)[number]
        const cases = FAILURES.flatMap(([failure, fail], way) =>
          (way < 2 ? values : SOME_VALUES).flatMap(([value, thrown], which) =>
            // Every value for a client that waits; for clients that disconnect, the first value is sufficient.
            (which === 0 ? PATIENCES : PATIENCES.slice(0, 1)).map((patience, turn): Case => {
              const id = nextId()
              world.failures.set(id, () => fail(thrown))
              const { headers, ...message } = messageOf(METHODS[(which + turn) % METHODS.length] as Method)
              return {
                ...message,
                id,
                name: `${failure} ${value}, and the client ${patience}`,
                path: hookPath(index, turn === 0 ? 'plain' : 'waiting'),
                headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) },
                patience,
                served: false,
                expected: (answer) => answer.status === status,
              }
            }),
          ),
        )
        expect(await differences(cases)).toEqual([])
      })

      it('and no handler runs late', async () => {
        await later(150)
        const late = [...world.served].filter((id) => !admittedIds.has(id))
        expect(late.map((id) => names.get(id))).toEqual([])
        expect(uncaught).toEqual([])
      })

      async function refused(wanted: {
        readonly situation: Situation
        readonly refusal: Refusal
        readonly method: Method
        readonly patience: Patience
      }): Promise<Case> {
        const { situation, refusal, method, patience } = wanted
        const id = nextId()
        world.failures.set(id, failureAt(id))
        return {
          ...(await requestOf(id, { situation, method, token: refusal.token })),
          name: `${refusal.name} in a ${method}, and the client ${patience}`,
          patience,
          served: false,
          expected: expectedFrom(situation, refusal),
        }
      }

      async function fetching(wanted: {
        readonly situation: 'plain' | 'waiting'
        readonly refusal: SlowRefusal
        readonly method: Method
        readonly patience: Patience
      }): Promise<Case> {
        const { situation, refusal, method, patience } = wanted
        const id = nextId()
        world.waitForKeys.add(id)
        const { headers, ...message } = messageOf(method)
        const token = await world.token(id, refusal.token, refusal.keyId)
        return {
          ...message,
          id,
          path: slowKeysPath(refusal.keys, situation),
          headers: { ...headers, authorization: `Bearer ${token}` },
          name: `${refusal.name} in a ${method}, and the client ${patience}`,
          patience,
          served: false,
          expected: expectedFrom(situation, refusal),
        }
      }

      async function admitted(situation: Situation, method: Method, path?: string): Promise<Case> {
        const id = nextId()
        admittedIds.add(id)
        const request = await requestOf(id, { situation, method, token: 'good' })
        const token = await world.token(id, 'good', SLOW_KEY)
        return {
          ...request,
          ...(path !== undefined && { path, headers: { authorization: `Bearer ${token}` } }),
          name: `${situation} ${method}`,
          patience: 'waits',
          served: true,
          expected: ({ status, body }) => status === 200 && body === 'served',
        }
      }

      function expectedFrom(situation: Situation, refusal: Pick<Refusal, 'status'>): (answer: Answer) => boolean {
        if (situation === 'failing' && answers === 'as onReject says') return ({ status }) => status === 500
        const ownBody = ['stream', 'later', 'sent-and-failing'].includes(situation) && answers === 'as onReject says'
        return ({ status, body, challenge }) =>
          status === refusal.status &&
          (challenge !== undefined) === (status !== 503) &&
          (ownBody ? body === 'no entry' : situation === 'directory' || body.includes('"status'))
      }

      async function requestOf(
        id: string,
        {
          situation,
          method,
          token,
        }: { readonly situation: Situation; readonly method: Method; readonly token: Refusal['token'] },
      ): Promise<Pick<Case, 'id' | 'path' | 'method' | 'headers' | 'body'>> {
        const credential = token === 'malformed' ? '' : token && (await world.token(id, token))
        const { body, ...message } = messageOf(method)
        const isForm = method === 'POST with a form'
        if (!isForm || token === 'malformed')
          return {
            ...message,
            id,
            path: `/${situation}${isForm ? '/form' : ''}`,
            headers: {
              ...message.headers,
              ...(credential !== undefined && { authorization: `Bearer ${credential}`.trim() }),
            },
            body,
          }
        return {
          ...message,
          id,
          path: formPath(`/${situation}`),
          body: credential ? `access_token=${credential}` : body,
        }
      }
    },
  )
}

interface Case {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly patience: Patience
  readonly served: boolean
  readonly expected: (answer: Answer) => boolean
}

let ids = 0
const nextId = (): string => `case-${ids++}`

/** How `onReject` fails in the request, differently each time. */
function failureAt(id: string): () => unknown {
  const turn = Number(id.replace('case-', ''))
  const [, fail] = FAILURES[turn % FAILURES.length] as (typeof FAILURES)[number]
  const [, value] = THROWN_VALUES[turn % THROWN_VALUES.length] as (typeof THROWN_VALUES)[number]
  return () => fail(value)
}

function messageOf(method: Method): Pick<Case, 'method' | 'headers' | 'body'> {
  switch (method) {
    case 'POST with JSON':
      return { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":"b"}' }
    case 'POST with a form':
      return { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b' }
    default:
      return { method, headers: {} }
  }
}
