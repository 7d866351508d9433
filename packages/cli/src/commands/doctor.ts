import type { CommandModule } from '../command.ts'
import { collect, declareNetwork } from '../options.ts'

export const doctor: CommandModule = {
  name: 'doctor',
  summary: 'Examine an issuer: its metadata, its keys, TLS, caching, clocks. Prints the configuration to paste.',
  declare: (command) => {
    declareNetwork(
      command
        .argument('<issuer>', 'the issuer, exactly as tokens have it in iss')
        .option('--metadata-uri <url>', 'where the metadata is, if not at the well-known addresses')
        .option('--allowed-key-host <host>', "a host besides the issuer's where its keys may be", collect),
    )
  },
  run: async ([issuer = ''], options, terminal) =>
    (await import('../doctor/run.ts')).runDoctor(issuer, options, terminal),
}
