import type { CommandModule } from '../command.ts'
import { collect, SERVE_PORT } from '../options.ts'

export const serve: CommandModule = {
  name: 'serve',
  summary: 'Run an issuer for development: tokens, keys, rotation and outages on 127.0.0.1.',
  declare: (command) => {
    command
      .option('--port <number>', `port of 127.0.0.1; 0 is a free one (default: ${SERVE_PORT})`)
      .option('--audience <name>', 'aud of the tokens (default: orders-api, or that of the provider)')
      .option('--provider <name>', 'imitate the tokens of a provider, such as auth0 or entra-v2')
      .option('--option <name=value>', "a setting of the provider's profile, such as domain=acme.eu.auth0.com", collect)
      .option('--alg <name>', 'algorithm of the keys (default: ES256, or that of the provider)')
  },
  run: async (_args, options, terminal) => (await import('../serve/run.ts')).runServe(options, terminal),
}
