// The order of test files. A slow file that starts last leaves one of the two workers idle, and a clean clone has no durations of earlier
// runs, so the slow ones are listed here. Then come the files that share workers, which must follow each other, and then the rest.
import { existsSync } from 'node:fs'
import { join, normalize } from 'node:path'

import { BaseSequencer } from 'vitest/node'

/** Isolated files that take four seconds or more, slowest first. */
export const SLOW_FILES = [
  'test/pollution/pollution.test.ts',
  'test/adapters/refused-runs-nothing.test.ts',
  'test/runtimes/runtimes.test.ts',
  'test/core/pipeline/memory.test.ts',
  'examples/demo/src/demo.test.ts',
  'test/docs/snippets.test.ts',
  'test/redis/fleet.test.ts',
  'test/packaging/types/typescript-versions.test.ts',
  'examples/encrypted-tokens/src/readme.test.ts',
  'test/adapters/nestjs-11.test.ts',
  'test/adapters/nestjs.test.ts',
  'examples/auth-service/src/auth-service.test.ts',
  'test/redis/failures.test.ts',
  'test/packaging/packed-core.test.ts',
  'examples/demo/src/readme.test.ts',
  'test/interop/issuer-tokens.test.ts',
  'examples/token-issuer-stack/src/stack.test.ts',
  'test/docs/testing-readme.test.ts',
  'examples/demo/src/page.test.ts',
  'examples/parameter-store-issuer/src/readme.test.ts',
  'test/docs/operations.test.ts',
  'test/mcp/inspector.test.ts',
  'test/adapters/refused-surroundings.test.ts',
  'examples/kms-issuer/src/readme.test.ts',
  'test/docs/module-settings.test.ts',
  'test/adapters/lambda-contract.test.ts',
  'test/tools/speed.test.ts',
  'examples/auth-service/src/password.test.ts',
  'examples/fleet/src/readme.test.ts',
]

const root = join(import.meta.dirname, '..')
const places = SLOW_FILES.map((file) => join(root, file))

export class SlowFilesFirst extends BaseSequencer {
  async sort(files) {
    const gone = SLOW_FILES.find((_, index) => !existsSync(places[index]))
    if (gone) throw new Error(`scripts/slow-files-first.mjs lists ${gone}, which does not exist: correct the list`)
    const rank = ({ moduleId, project }) => {
      const at = places.indexOf(normalize(moduleId))
      if (at >= 0) return at
      return project.config.isolate ? places.length + 1 : places.length
    }
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of the sequencer
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => rank(one) - rank(other))
  }
}
