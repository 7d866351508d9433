import { brandNewKey } from './steps/brand-new-key.ts'
import { expired } from './steps/expired.ts'
import { forged } from './steps/forged.ts'
import { firstLogIn } from './steps/first-log-in.ts'
import { logOut } from './steps/log-out.ts'
import { noToken } from './steps/no-token.ts'
import { outage } from './steps/outage.ts'
import { reader } from './steps/reader.ts'
import { restart } from './steps/restart.ts'
import { rotation } from './steps/rotation.ts'
import { someoneElse } from './steps/someone-else.ts'
import { welcome } from './steps/welcome.ts'
import type { Step } from './step.ts'

/** The steps of the demo, in order. The auth service is running at the start of every step. */
export const STORY: readonly Step[] = [
  firstLogIn,
  welcome,
  noToken,
  someoneElse,
  expired,
  forged,
  reader,
  logOut,
  outage,
  restart,
  rotation,
  brandNewKey,
]
