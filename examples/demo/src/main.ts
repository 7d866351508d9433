import { createNarrator } from './narrator.ts'
import { servePage } from './page-server.ts'
import { createShow } from './show.ts'
import { credentialsOf, logIn, setStage, type Stage } from './stage.ts'
import { tellStory } from './story.ts'

const TIMEOUT = 30_000
const [option, ...others] = process.argv.slice(2)

if (![undefined, '--serve', '--mcp'].includes(option) || others.length > 0) {
  console.error('Usage: npm run demo, npm run demo -- --serve, or npm run demo -- --mcp')
  process.exit(1)
}

const overdue = setTimeout(() => {
  console.error(`The demo did not finish within ${TIMEOUT / 1000} s`)
  process.exit(1)
}, TIMEOUT)

const write = (line: string): void => {
  console.log(line)
}
const narrator = createNarrator(write, process.stdout, process.env)
if (option === '--mcp') await showMcp()
else await showServers()
process.exitCode = narrator.failures() === 0 ? 0 : 1

/** The story of an MCP server. It is loaded only here, because its client and authorization server are large. */
async function showMcp(): Promise<void> {
  const { tellMcpStory } = await import('./mcp-story.ts')
  write('Claimgate: an MCP server, its authorization server, and the official MCP client')
  await tellMcpStory(narrator)
  narrator.sum()
  clearTimeout(overdue)
}

async function showServers(): Promise<void> {
  const stage = await setStage()
  for (const line of picture(stage)) write(line)
  await tellStory(stage, narrator)
  narrator.sum()
  clearTimeout(overdue)
  if (option === '--serve') {
    const page = await servePage(createShow(stage), Number(process.env['DEMO_PORT'] ?? 0))
    write('\nEverything keeps running until you press Ctrl-C. Open this page to try it yourself:\n')
    write(`   ${page.url}`)
    write('\nOr paste these lines into another terminal:\n')
    for (const line of await curlLines(stage)) write(line)
    await interrupted()
    await page.close()
  }
  await stage.close()
}

/** Who talks to whom, and where each server listens. */
function picture({ auth, servers }: Stage): readonly string[] {
  const drawing = [
    '   auth ◀───── log in ───── Ada, Bob       ',
    '    └── public keys ──┐         │ token    ',
    '                      ▼         ▼          ',
    '               express, fastify, worker    ',
  ]
  const listening = [{ name: 'auth', url: auth().url }, ...servers]
  return [
    'Claimgate: one auth service, and three servers that verify its tokens',
    '',
    ...listening.map(({ name, url }, row) => `${drawing[row] ?? ''}${name.padEnd(8)} ${url}`),
  ]
}

/** Lines to paste into a shell, with tokens that are valid for the next 20 minutes. */
async function curlLines(running: Stage): Promise<readonly string[]> {
  const auth = running.auth().url
  return [
    `ADA=${await logIn(running, 'ada')}`,
    `BOB=${await logIn(running, 'bob')}`,
    ...running.servers.flatMap(({ name, url }) => [
      '',
      `# ${name}: who is calling, a writer writes, a reader tries to write, no token`,
      `curl -i ${url}/api/v1/protected -H "Authorization: Bearer $ADA"`,
      `curl -i -X POST ${url}/api/v1/orders -H "Authorization: Bearer $ADA"`,
      `curl -i -X POST ${url}/api/v1/orders -H "Authorization: Bearer $BOB"`,
      `curl -i ${url}/api/v1/protected`,
    ]),
    '',
    '# auth: log in for another token, and the keys that verify it',
    `curl -s ${auth}/api/v1/auth -H 'content-type: application/json' -d '${credentialsOf('ada')}'`,
    `curl -s ${auth}/.well-known/jwks.json`,
    '',
    '# log Bob out: Express and Fastify then refuse his token; try it there again',
    `curl -i -X POST ${auth}/api/v1/logout -H "Authorization: Bearer $BOB"`,
  ]
}

/** Resolves on Ctrl-C, or when the process is asked to stop. */
async function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
