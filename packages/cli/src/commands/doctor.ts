import type { CommandModule } from '../command.ts'
import { declareDiscovery, declareNetwork } from '../options.ts'

export const doctor: CommandModule = {
  name: 'doctor',
  summary: 'Examine an issuer: its metadata, its keys, TLS, caching, clocks. Prints the configuration to paste.',
  declare: (command) => {
    declareNetwork(declareDiscovery(command.argument('<issuer>', 'the issuer, exactly as tokens have it in iss')))
  },
  run: async ([issuer = ''], options, terminal) =>
    (await import('../doctor/run.ts')).runDoctor(issuer, options, terminal),
}
