import { CannotSay } from '../outcome.ts'

/** More than the longest token that Claimgate can be told to accept (65,536), and short enough to hold in memory. */
const LONGEST = 128 * 1024

const [ENTER, LINE_FEED, CONTROL_C, CONTROL_D, BACKSPACE, DELETE] = ['\r', '\n', '\u0003', '\u0004', '\b', '\u007f']

/**
 * Reads one secret, such as a token: from standard input if it is a pipe or a file, otherwise from a prompt that shows nothing.
 *
 * @param name - what the prompt asks for, for example `Token`
 * @throws {@link CannotSay} there is nothing to read, or too much
 */
export async function readSecret(name: string): Promise<string> {
  const text = await (process.stdin.isTTY ? prompt(name) : readAll(name))
  const secret = text.trim()
  if (secret === '')
    throw new CannotSay(
      `There is no ${name.toLowerCase()} on standard input. Write it there, for example: claimgate explain < token.txt`,
    )
  return secret
}

async function readAll(name: string): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.length > LONGEST)
      throw new CannotSay(`The ${name.toLowerCase()} on standard input is longer than ${LONGEST} characters.`)
  }
  return text
}

// Raw mode, because the terminal's own line editing shows what is typed and cuts lines at 4,096 characters.
async function prompt(name: string): Promise<string> {
  const { stdin, stderr } = process
  // Before the prompt, because the terminal shows what is pasted until then.
  stdin.setRawMode(true).setEncoding('utf8').resume()
  stderr.write(`${name} (not shown): `)
  try {
    return await typedLine()
  } finally {
    stdin.setRawMode(false).pause()
    stderr.write('\n')
  }
}

async function typedLine(): Promise<string> {
  const { stdin } = process
  return new Promise((resolve, reject) => {
    let line = ''
    const finish = (end: () => void): void => {
      stdin.removeAllListeners('data').removeAllListeners('end')
      end()
    }
    const type = (chunk: string): void => {
      for (const character of chunk) {
        if (character === ENTER || character === LINE_FEED || character === CONTROL_D)
          return finish(() => resolve(line))
        if (character === CONTROL_C) return finish(() => reject(new Interrupted()))
        line = character === BACKSPACE || character === DELETE ? line.slice(0, -1) : line + character
      }
      if (line.length > LONGEST) finish(() => reject(new CannotSay(`The text is longer than ${LONGEST} characters.`)))
    }
    stdin.on('data', type)
    stdin.on('end', () => finish(() => resolve(line)))
  })
}

/** The user pressed Ctrl-C at a prompt. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}
