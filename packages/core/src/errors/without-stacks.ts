/**
 * Stops the runtime from recording stack traces until the function it gives is called, which must be in the same turn. To record one
 * costs ten times as much as all the rest of a refusal.
 */
export function withoutStacks(): () => void {
  const limit = engine.stackTraceLimit
  // Not in every runtime.
  if (typeof limit !== 'number' || !isWritable) return nothing
  try {
    engine.stackTraceLimit = 0
  } catch {
    // An application has frozen it since.
    return nothing
  }
  return () => {
    engine.stackTraceLimit = limit
  }
}

// V8 and JavaScriptCore have it.
const engine = Error as { stackTraceLimit?: unknown }
const isWritable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true
const nothing = (): void => {}
