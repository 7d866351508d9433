import type { Narrator } from './narrator.ts'
import type { Stage } from './stage.ts'

/** One step of the story. */
export interface Step {
  readonly title: string
  run(stage: Stage, narrator: Narrator): Promise<void>
}
