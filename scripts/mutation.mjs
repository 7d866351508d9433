// Mutation tests of everything that guards a request. `npm run mutation` runs all of them, which takes hours;
// `npm run mutation -- core/jws express` runs some folders. Fails if the score of a folder is below the threshold.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { FOLDERS, scoreOf, sourcesOf, THRESHOLD } from './mutation/scores.mjs'

const root = join(import.meta.dirname, '..')
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !FOLDERS.includes(name))
if (unknown.length > 0) {
  console.error(`There is no folder ${unknown.join(', ')}; the folders are ${FOLDERS.join(', ')}`)
  process.exit(1)
}

const rows = (wanted.length > 0 ? wanted : FOLDERS).map((folder) => {
  const { status } = spawnSync('stryker', ['run', '--mutate', `${sourcesOf(folder)}**/*.ts,!**/*.d.ts`], {
    cwd: root,
    env: { ...process.env, MUTATED_FOLDER: folder },
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
  return scoreOf(JSON.parse(readFileSync(join(root, 'reports/mutation', folder, 'mutation.json'), 'utf8')), folder)
})

console.log('| folder | killed | not noticed | score |\n| --- | --- | --- | --- |')
for (const { folder, killed, survived, score } of rows) {
  console.log(`| ${folder} | ${killed} | ${survived} | ${score.toFixed(1)} % |`)
  if (!(score >= THRESHOLD)) process.exitCode = 1
}
