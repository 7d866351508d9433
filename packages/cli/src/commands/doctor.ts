import type { CommandModule } from '../command.ts'
import { CannotSay } from '../outcome.ts'

export const doctor: CommandModule = {
  name: 'doctor',
  summary: 'doctor',
  declare: () => undefined,
  run: async () => {
    throw new CannotSay('Not here yet.')
  },
}
