// Loads a function and passes it events, like the runtime of Lambda. Runs in a separate process; lambda-process.ts starts it.
import { existsSync } from 'node:fs'

const { LAMBDA_TASK_ROOT: root, _HANDLER: name } = process.env
const [file, member] = name.split('.')
const path = ['js', 'mjs', 'cjs']
  .map((ending) => `${root}/${file}.${ending}`)
  .find((candidate) => existsSync(candidate))
const { [member]: handler } = await import(path)

process.on('message', ({ id, event, milliseconds }) => {
  const end = performance.now() + milliseconds
  const context = { getRemainingTimeInMillis: () => Math.max(0, end - performance.now()) }
  const answer = async () => (await handler(event, context)) ?? null
  answer().then(
    (value) => process.send({ id, value }),
    ({ name: errorType, message: errorMessage }) => process.send({ id, error: { errorType, errorMessage } }),
  )
})
process.send({ ready: true })
