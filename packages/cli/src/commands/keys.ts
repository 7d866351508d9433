import type { CommandModule } from '../command.ts'
import { declareNetwork } from '../options.ts'

export const keys: CommandModule = {
  name: 'keys',
  summary: 'Examine a JWK Set: each key, and what Claimgate makes of it.',
  declare: (command) => {
    declareNetwork(command.argument('<place>', 'the URL or the file of a JWK Set, or - for standard input'))
  },
  run: async ([place = ''], options, terminal) => (await import('../keys/run.ts')).runKeys(place, options, terminal),
}
