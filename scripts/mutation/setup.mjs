// Runs before each test file is loaded, after the setup of Stryker, which switches the mutant on when the tests of the file begin. Test files
// share a worker, so without this a file would be loaded with the mutant that ran before.
import { inject } from 'vitest'

const stryker = globalThis[inject('globalNamespace')]
if (stryker && inject('mutantActivation') !== 'static') stryker.activeMutant = undefined
