import type { CommandModule } from '../command.ts'
import { collect, SERVE_PORT } from '../options.ts'

export const mint: CommandModule = {
  name: 'mint',
  summary: 'Sign a token for tests, with the key of the running serve or of a file.',
  declare: (command) => {
    command
      .option('--port <number>', `port of the running serve (default: ${SERVE_PORT})`)
      .option('--key-file <file>', 'sign with the private key in this file (PEM or JWK) instead')
      .option('--claim <name=json>', 'add or replace a claim; text that is not JSON is a string', collect)
      .option('--without <claim>', 'remove a claim', collect)
      .option('--header <name=json>', 'add or replace a header member', collect)
      .option('--audience <name>', 'the aud')
      .option('--ttl <seconds>', 'seconds until it expires (default: 3600)')
      .option('--expired', 'expired ten minutes ago')
      .option('--not-yet', 'not valid before an hour from now')
      .option('--bad <name>', 'one of the bad tokens that probe sends, by its name there')
      .option('--issuer <issuer>', 'the iss, with --key-file')
      .option('--provider <name>', 'imitate the tokens of a provider, with --key-file')
      .option('--option <name=value>', "a setting of the provider's profile, with --key-file", collect)
      .option('--alg <name>', 'the algorithm of the key, with --key-file')
      .option('--kid <text>', 'the key ID, with --key-file')
  },
  run: async (_args, options, terminal) => (await import('../mint/run.ts')).runMint(options, terminal),
}
