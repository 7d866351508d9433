import type { CommandModule } from '../command.ts'
import { CannotSay } from '../outcome.ts'

export const keys: CommandModule = {
  name: 'keys',
  summary: 'keys',
  declare: () => undefined,
  run: async () => {
    throw new CannotSay('Not here yet.')
  },
}
