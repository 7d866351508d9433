import { expect, it } from 'vitest'

import { defaultFetchThrough } from '../../../packages/core/src/platform/default-fetch.web.ts'

it.each(['environment', 'http://user:secret@proxy.example', false])(
  'does not support the proxy %j, and says so at start-up',
  (proxy) => {
    expect(() => defaultFetchThrough(proxy)).toThrow(
      new TypeError(
        'Cannot fetch keys: "proxy" is for Node: take it out, because the fetch of this runtime has its own settings',
      ),
    )
  },
)
