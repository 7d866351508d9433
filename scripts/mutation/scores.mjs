const CORE = [
  'authenticator',
  'authorization',
  'bytes',
  'claims',
  'confirmation',
  'denylist',
  'dpop',
  'errors',
  'http',
  'introspection',
  'json',
  'jwe',
  'jws',
  'keys',
  'metadata',
  'model',
  'mtls',
  'options',
  'pipeline',
  'providers',
  'revocation',
  'hooks',
  'connections',
  'status-list',
  'calls',
]

const CONTRACT =
  'test/adapters/{adapter-contract,dpop,request-property,resource-metadata,revocation,refusal-logs}.test.ts'

/** Tests of a folder that do not lie in the folder of `test` with the same name. */
const TESTS = {
  express: ['test/adapters/{express,express-endpoints,parsed-forms,preflights}.test.ts', CONTRACT],
  fastify: ['test/adapters/{fastify*,denied-behind-schema}.test.ts', CONTRACT],
  fetch: ['test/adapters/{fetch,fetch-forms,preflights}.test.ts', CONTRACT],
  hono: ['test/adapters/hono.test.ts', CONTRACT],
  lambda: ['test/adapters/lambda*.test.ts'],
  nestjs: ['test/adapters/{nestjs,nestjs-guard}.test.ts'],
}

/** Everything that guards a request: folders of core's sources, and whole packages. */
export const FOLDERS = [
  ...CORE.map((folder) => `core/${folder}`),
  'express',
  'fastify',
  'fetch',
  'hono',
  'issuer',
  'lambda',
  'mcp',
  'nestjs',
  'otel',
  'redis',
]

/** The score that each folder must have, in percent. */
export const THRESHOLD = 93

/**
 * @param {string} folder a name of `FOLDERS`
 * @returns {string} the path of its sources, with a slash at the end
 */
export function sourcesOf(folder) {
  const [name, ...inner] = folder.split('/')
  return `packages/${[name, 'src', ...inner].join('/')}/`
}

/**
 * @param {string} folder a name of `FOLDERS`
 * @returns {readonly string[]} patterns of the tests that must notice its mutants
 */
export function testsOf(folder) {
  return TESTS[folder] ?? [`test/${folder}/**/*.test.ts`]
}

/**
 * How many mutants of a folder the tests noticed. A folder without mutants has the score 0.
 *
 * @param {{ files: Readonly<Record<string, { mutants: readonly { status: string }[] }>> }} report of Stryker
 * @param {string} folder a name of `FOLDERS`
 * @returns {{ folder: string, killed: number, survived: number, score: number }}
 */
export function scoreOf(report, folder) {
  const statuses = Object.entries(report.files)
    .filter(([path]) => path.startsWith(sourcesOf(folder)))
    .flatMap(([, { mutants }]) => mutants.map(({ status }) => status))
  const killed = statuses.filter((status) => status === 'Killed' || status === 'Timeout').length
  const survived = statuses.filter((status) => status === 'Survived' || status === 'NoCoverage').length
  return { folder, killed, survived, score: killed === 0 ? 0 : (100 * killed) / (killed + survived) }
}
