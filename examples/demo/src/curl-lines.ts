import { credentialsOf, logIn } from './log-in.ts'
import type { Stage } from './stage.ts'

/** Lines to paste into a shell, with tokens that are valid for the next 20 minutes. */
export async function curlLines(stage: Stage): Promise<readonly string[]> {
  return [
    `ADA=${await logIn(stage, 'ada')}`,
    `BOB=${await logIn(stage, 'bob')}`,
    ...stage.servers.flatMap(({ name, url }) => [
      '',
      `# ${name}: who is calling, a writer who writes, a reader who tries, and nobody`,
      `curl -i ${url}/api/v1/protected -H "Authorization: Bearer $ADA"`,
      `curl -i -X POST ${url}/api/v1/orders -H "Authorization: Bearer $ADA"`,
      `curl -i -X POST ${url}/api/v1/orders -H "Authorization: Bearer $BOB"`,
      `curl -i ${url}/api/v1/protected`,
    ]),
    '',
    '# auth: log in for another token, and the keys that verify it',
    `curl -s ${stage.auth().url}/api/v1/auth -H 'content-type: application/json' -d '${credentialsOf('ada')}'`,
    `curl -s ${stage.auth().url}/.well-known/jwks.json`,
    '',
    '# log Bob out: his token ends at Express and Fastify; then try it there again',
    `curl -i -X POST ${stage.auth().url}/api/v1/logout -H "Authorization: Bearer $BOB"`,
  ]
}
