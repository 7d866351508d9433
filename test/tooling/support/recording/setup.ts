// Runs before every test file. A test fails in which a secret shows in an error, in an event or in what is printed.
import { channel } from 'node:diagnostics_channel'
import { format } from 'node:util'

import { afterAll, afterEach } from 'vitest'

import { recorder } from './recorder.ts'
import { refuseFinds } from './refuse-finds.ts'

const { output } = recorder()

for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const) {
  const print = console[method].bind(console) as (...values: readonly unknown[]) => void
  console[method] = (...values: readonly unknown[]) => {
    output(`console.${method}`)(format(...values))
    print(...values)
  }
}
for (const name of ['stdout', 'stderr'] as const) tap(process[name], 'write', output(name))

// Examples and runtimes: their output is what somebody's logs would hold.
channel('child_process').subscribe((message) => {
  const { process: child } = message as { readonly process: Partial<Record<'stdout' | 'stderr', Tapped>> }
  process.nextTick(() => {
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = child[name]
      if (stream) tap(stream, 'push', output(`${name} of a child process`))
    }
  })
})

afterEach(refuseFinds)
afterAll(refuseFinds)

interface Tapped {
  push?(...values: readonly unknown[]): boolean
  write?(...values: readonly unknown[]): boolean
}

function tap(stream: Tapped, method: keyof Tapped, look: (piece: unknown) => void): void {
  const original = stream[method]?.bind(stream)
  if (!original) return
  stream[method] = (...values) => {
    look(values[0])
    return original(...values)
  }
}
