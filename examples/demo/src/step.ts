import type { Narrator } from './narrator.ts'
import type { Stage } from './stage.ts'

/** One step of the demo. */
export interface Step {
  readonly title: string
  run(stage: Stage, narrator: Narrator): Promise<void>
}
