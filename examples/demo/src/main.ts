import { curlLines } from './curl-lines.ts'
import { interrupted } from './interrupted.ts'
import { createNarrator } from './narrator.ts'
import { createPaint } from './paint.ts'
import { setStage } from './stage.ts'
import { STORY } from './story.ts'
import { tellStory } from './tell-story.ts'

const LONGEST = 30_000
const [option, ...others] = process.argv.slice(2)

if ((option !== undefined && option !== '--serve') || others.length > 0) {
  console.error('Usage: npm run demo, or npm run demo -- --serve')
  process.exit(1)
}

const overdue = setTimeout(() => {
  console.error(`The story is not over after ${LONGEST / 1000} s`)
  process.exit(1)
}, LONGEST)

const write = (line: string): void => {
  console.log(line)
}
const stage = await setStage()
write('Claimgate: one auth service, and three servers that verify its tokens')
for (const { name, url } of [{ name: 'auth', url: stage.auth().url }, ...stage.servers])
  write(`  ${name.padEnd(7)} ${url}`)

const narrator = createNarrator(write, createPaint(process.stdout, process.env))
await tellStory(STORY, stage, narrator)
narrator.sum()
clearTimeout(overdue)

if (option === '--serve') {
  write('\nEverything stays up until Ctrl-C. Lines to paste into another terminal:\n')
  for (const line of await curlLines(stage)) write(line)
  await interrupted()
}
await stage.close()
process.exitCode = narrator.failures() === 0 ? 0 : 1
