import type { Narrator } from './narrator.ts'
import type { Stage } from './stage.ts'
import type { Step } from './step.ts'

/** Takes the steps one by one. One that breaks off counts as a failure, and the next is taken all the same. */
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
