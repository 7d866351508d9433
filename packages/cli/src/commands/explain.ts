import type { CommandModule } from '../command.ts'
import { collect, declareDiscovery, declareNetwork } from '../options.ts'

export const explain: CommandModule = {
  name: 'explain',
  summary:
    'Explain step by step why a token is accepted or refused. Reads the token from standard input, or asks for it.',
  declare: (command) => {
    declareNetwork(
      declareDiscovery(
        command
          .option('--issuer <issuer>', 'the exact iss; its keys are fetched')
          .option('--audience <name>', 'a name of your API in aud', collect)
          .option('--provider <name>', 'the profile of a provider, such as auth0; its keys are fetched')
          .option(
            '--option <name=value>',
            "a setting of the provider's profile, such as domain=acme.eu.auth0.com",
            collect,
          )
          .option('--jwks-uri <url>', 'the address of the JWK Set, which is fetched')
          .option('--key-file <file>', 'a file with a JWK Set, a JWK or a PEM; nothing is fetched'),
      ),
    )
  },
  run: async (_args, options, terminal) => (await import('../explain/run.ts')).runExplain(options, terminal),
}
