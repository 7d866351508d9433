import type { CommandModule } from '../command.ts'
import { CannotSay } from '../outcome.ts'

export const explain: CommandModule = {
  name: 'explain',
  summary: 'explain',
  declare: () => undefined,
  run: async () => {
    throw new CannotSay('Not here yet.')
  },
}
