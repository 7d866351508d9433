// Serves the driver in Bun.
import { respond } from '../driver.ts'

declare const Bun: {
  readonly version: string
  serve(options: { hostname: string; port: number; fetch(request: Request): Promise<Response> }): {
    readonly port: number
  }
}

const { port } = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: respond })
// oxlint-disable-next-line no-console -- the test reads the port from here
console.log(JSON.stringify({ event: 'listen', port, version: Bun.version }))
