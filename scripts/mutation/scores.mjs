/** Everything that guards a request: folders of core's sources, and whole packages. */
export const FOLDERS = [
  ...[
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
    'status-list',
  ].map((folder) => `core/${folder}`),
  'express',
  'fastify',
  'fetch',
  'issuer',
  'mcp',
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
 * How many mutants of each folder the tests noticed. A folder without mutants has the score 0.
 *
 * @param {{ files: Readonly<Record<string, { mutants: readonly { status: string }[] }>> }} report of Stryker
 * @param {readonly string[]} folders names of `FOLDERS`
 * @returns {{ folder: string, killed: number, survived: number, score: number }[]}
 */
export function scores(report, folders) {
  return folders.map((folder) => {
    const statuses = Object.entries(report.files)
      .filter(([path]) => path.startsWith(sourcesOf(folder)))
      .flatMap(([, { mutants }]) => mutants.map(({ status }) => status))
    const killed = statuses.filter((status) => status === 'Killed' || status === 'Timeout').length
    const survived = statuses.filter((status) => status === 'Survived' || status === 'NoCoverage').length
    return { folder, killed, survived, score: killed === 0 ? 0 : (100 * killed) / (killed + survived) }
  })
}
