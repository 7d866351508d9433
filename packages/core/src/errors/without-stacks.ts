/**
 * Stops the runtime from recording stack traces until the function it gives is called, which must be in the same turn. To record one
 * costs ten times as much as all the rest of a refusal.
 */
export function withoutStacks(): () => void {
  const limit = engine.stackTraceLimit
  // Not in every runtime, and not where an application has frozen it.
  if (typeof limit !== 'number' || !isWritable) return nothing
  engine.stackTraceLimit = 0
  return () => {
    engine.stackTraceLimit = limit
  }
}

// V8 and JavaScriptCore have it.
const engine = Error as { stackTraceLimit?: unknown }
const isWritable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true
const nothing = (): void => {}
