// Runs before every test file and before it loads the packages. A test fails if a secret shows in an error or an event of our packages, or in
// what is printed. Observes from outside: no source file is changed.
import { afterAll, afterEach } from 'vitest'

import { assertNoFinds } from './finds.ts'
import { startWatching, takeFinds } from './watch.ts'

startWatching()

const check = (): void => assertNoFinds(takeFinds())
afterEach(check)
afterAll(check)
