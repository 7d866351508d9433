// Runs the scenarios of a group with hostile data on Object.prototype, and prints reads and changes as JSON. A separate process, because
// a test runner does not survive it.
import { ADAPTER_OPTIONS } from '@claimgate/core/extend'
import { adapterScenarios } from './adapter-scenarios.ts'
import { coreScenarios } from './core-scenarios.ts'
import { featureScenarios } from './feature-scenarios.ts'
import { ANY_VALUES, hostileValues } from './hostile.ts'
import { issuerScenarios } from './issuer-scenarios.ts'
import { memberNames, optionalNames } from './member-names.ts'
import { trapReads } from './read-trap.ts'
import type { Ask, Change, Scenario } from './scenario.ts'
import { makeTokens } from './tokens.ts'

const [group = ''] = process.argv.slice(2)

// Property descriptors also inherit from Object.prototype, which changes their meaning. The others are names that the language reads from
// iterators and from awaited values.
const LANGUAGE = new Set([
  'get',
  'set',
  'value',
  'writable',
  'enumerable',
  'configurable',
  'next',
  'return',
  'throw',
  'then',
])

// Names that WebCrypto, jose, Fastify's schema validation and the dictionaries of Node's fetch read from objects with a prototype. Each is
// tried separately: an answer may then be a refusal or an error, and nothing else.
const FOREIGN: ReadonlySet<string> = new Set(
  'alg use key_ops d oth priv secret crit zip apu apv epk header hash headers body path required'.split(' '),
)

// With this one, Node itself throws for every HTTP message.
const FATAL: ReadonlySet<string> = new Set(['signal'])

// `npm run fuzz` tries every value for each of them.
const isLong = process.env['FUZZ_COUNT'] !== undefined

const prototype = Object.prototype as unknown as Record<string, unknown>

async function scenariosOf(name: string): Promise<readonly Scenario[]> {
  const made = await makeTokens()
  switch (name) {
    case 'core':
      return coreScenarios(made)
    case 'features':
      return featureScenarios()
    case 'adapters':
      return adapterScenarios(made)
    case 'issuer':
      return issuerScenarios(made)
    case 'vulnerable':
      return [{ name, start: () => async () => ({ reads: String(({} as { jwks?: unknown }).jwks !== undefined) }) }]
    default:
      throw new Error(`There is no group ${name}`)
  }
}

async function reads(scenarios: readonly Scenario[]): Promise<readonly string[]> {
  // Loaded and warm: what modules do while they load is not a request.
  for (const scenario of scenarios) await (await scenario.start())()
  const trap = trapReads(memberNames().filter((name) => !LANGUAGE.has(name)))
  try {
    for (const scenario of scenarios) await (await scenario.start())()
  } finally {
    trap.release()
  }
  return [...trap.reads].toSorted()
}

/** The contents of `Object.prototype` during one pass. */
interface Pollution {
  readonly label: string
  readonly members: Readonly<Record<string, unknown>>
  readonly foreign: boolean
}

async function pollutions(): Promise<readonly Pollution[]> {
  const hostile = await hostileValues()
  // The HTTP of Node fails with names such as `close` and `timeout`, which events have.
  const ours = group === 'adapters' ? ADAPTER_OPTIONS : optionalNames()
  const names = [...new Set([...Object.keys(hostile), ...ours])].filter(
    (name) => !FOREIGN.has(name) && !FATAL.has(name),
  )
  const all = (label: string, valueOf: (name: string) => unknown): Pollution => ({
    label,
    members: Object.fromEntries(names.map((name) => [name, valueOf(name)])),
    foreign: false,
  })
  const valueAt = (name: string, index: number): unknown => {
    const values = hostile[name] ?? ANY_VALUES
    return values[index % values.length]
  }
  const most = Math.max(...Object.values(hostile).map((values) => values.length))
  return [
    ...Array.from({ length: most }, (_, index) => all(`hostile values ${index}`, (name) => valueAt(name, index))),
    ...ANY_VALUES.map((value) => all(`each ${JSON.stringify(value)}`, () => value)),
    ...[...FOREIGN].flatMap((name, index) =>
      [...(hostile[name] ?? []), ...(isLong ? ANY_VALUES : [valueAt('', index)])].map((value) => ({
        label: `${name}: ${JSON.stringify(value)}`,
        members: { [name]: value },
        foreign: true,
      })),
    ),
  ]
}

async function changes(scenarios: readonly Scenario[]): Promise<readonly Change[]> {
  const found: Change[] = []
  const expected = new Map<Scenario, Answers>()
  for (const scenario of scenarios) expected.set(scenario, await (await scenario.start())())
  for (const pass of await pollutions()) {
    const tried = scenarios.filter(({ triesForeign }) => !pass.foreign || triesForeign === true)
    for (const when of ['before the start', 'after the start'] as const) {
      for (const [scenario, answers] of await underPollution(tried, pass, when)) {
        const usual = expected.get(scenario) ?? {}
        for (const ask of new Set([...Object.keys(usual), ...Object.keys(answers)])) {
          const before = Object.hasOwn(usual, ask) ? usual[ask] : undefined
          const after = Object.hasOwn(answers, ask) ? answers[ask] : undefined
          const mayBreak = pass.foreign || scenario.mayBreak === true
          if (before === after || (mayBreak && isBroken(after))) continue
          found.push({ scenario: scenario.name, pollution: pass.label, when, ask, before, after })
        }
      }
    }
  }
  return found
}

type Answers = Readonly<Record<string, string>>

// All scenarios under the same pollution: each change of Object.prototype discards what V8 has compiled.
async function underPollution(
  scenarios: readonly Scenario[],
  { members }: Pollution,
  when: Change['when'],
): Promise<ReadonlyMap<Scenario, Answers>> {
  const answers = new Map<Scenario, Answers>()
  const asks: Ask[] = []
  if (when === 'after the start') for (const scenario of scenarios) asks.push(await scenario.start())
  Object.assign(prototype, members)
  try {
    for (const [index, scenario] of scenarios.entries()) {
      try {
        answers.set(scenario, await (asks[index] ?? (await scenario.start()))())
      } catch (error) {
        answers.set(scenario, { start: `error ${String(error)}` })
      }
    }
  } finally {
    for (const name of Object.keys(members)) delete prototype[name]
  }
  return answers
}

function isBroken(answer: string | undefined): boolean {
  return answer === undefined || /^(?:refused|error)\b|^\{"accepted":false/.test(answer)
}

const scenarios = await scenariosOf(group)
const result = { changes: await changes(scenarios), reads: await reads(scenarios) }
process.stdout.write(JSON.stringify(result), () => process.exit(0))
