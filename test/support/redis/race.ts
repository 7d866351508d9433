import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The origin of the API in `racer/program.ts`. */
export const ORIGIN = 'https://api.example.com'

/** Sends the same requests to many processes of an API at the same moment. Returns the outcomes of each process. */
export async function raceProcesses(
  count: number,
  url: string,
  options: object,
  requests: readonly Readonly<Record<string, string>>[],
): Promise<readonly (readonly string[])[]> {
  const program = fileURLToPath(new URL('racer/program.ts', import.meta.url))
  const children = Array.from({ length: count }, () => fork(program, [url, JSON.stringify(options)], { execArgv: [] }))
  const answerOf = async (child: (typeof children)[number]): Promise<unknown> => {
    const ended = once(child, 'exit').then(() => {
      throw new Error('A process has ended without an answer')
    })
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
    return answer
  }
  try {
    await Promise.all(children.map(answerOf))
    const outcomes = Promise.all(children.map(answerOf))
    for (const child of children) child.send(requests)
    return (await outcomes) as readonly (readonly string[])[]
  } finally {
    for (const child of children) child.kill()
  }
}
