import type { Narrator } from './narrator.ts'
import type { Stage } from './stage.ts'
import type { Step } from './step.ts'

/** Runs the steps one by one. A step that throws counts as a failure and does not stop the next step. */
export async function tellStory(steps: readonly Step[], stage: Stage, narrator: Narrator): Promise<void> {
  for (const { title, run } of steps) {
    narrator.step(title)
    try {
      await run(stage, narrator)
    } catch (error) {
      narrator.got('the step broke off', [error instanceof Error ? error.message : String(error)])
    }
  }
}
