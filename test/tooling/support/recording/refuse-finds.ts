import { recorder } from './recorder.ts'

/**
 * Looks what the recorder of this test worker has found since the last call.
 *
 * @throws Error that lists where secrets were, and none of them
 */
export function refuseFinds(): void {
  const finds = recorder().takeFinds()
  if (finds.length === 0) return
  throw new Error(`Secrets where nobody may see any:\n${finds.map((find) => `- ${find}`).join('\n')}`)
}
