import { startIssuer } from './start-issuer.ts'

const issuer = await startIssuer({
  env: process.env,
  port: Number(process.env['PORT'] ?? 4020),
  onEvent: (event) => console.log(JSON.stringify(event)),
})
console.log(`issuer listens on ${issuer.url}, its key in ${issuer.fake ? 'a fake Parameter Store' : 'AWS'}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void issuer.close()
  })
}
