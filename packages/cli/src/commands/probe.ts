import type { CommandModule } from '../command.ts'
import { SERVE_PORT } from '../options.ts'

export const probe: CommandModule = {
  name: 'probe',
  summary: 'Send bad tokens to your own API, and see which it lets in.',
  declare: (command) => {
    command
      .argument('<url>', 'a protected route that answers GET without side effects, such as http://127.0.0.1:3000/me')
      .option('--port <number>', `port of the running serve, which makes the tokens (default: ${SERVE_PORT})`)
      .option('--own-token', 'make them from a good token of your issuer, from standard input or a prompt')
      .option('--key-file <file>', 'with --own-token: the private key that signed it (PEM or JWK), to try every fault')
      .option('--header <name>', 'send the bare token in this header (default: Authorization: Bearer)')
      .option('--allow-remote <host>', 'send to this host, which is not this machine')
      .option('--timeout <seconds>', 'how long one answer may take, 1 to 60 (default: 5)')
  },
  run: async ([url = ''], options, terminal) => (await import('../probe/run.ts')).runProbe(url, options, terminal),
}
