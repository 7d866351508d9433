// Serves the driver in Deno.
import { respond } from '../driver.ts'

declare const Deno: {
  readonly version: { readonly deno: string }
  serve(options: object, respond: (request: Request) => Promise<Response>): unknown
}

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: 0,
    onListen: ({ port }: { port: number }) => {
      // oxlint-disable-next-line no-console -- the test reads the port from here
      console.log(JSON.stringify({ event: 'listen', port, version: Deno.version.deno }))
    },
  },
  respond,
)
