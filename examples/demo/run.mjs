// Started by `npm run demo`. Plain JavaScript, so that an old Node prints a clear message instead of a stack trace.
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 19)) {
  await import('./dist/main.js')
} else {
  console.error(
    `The demo needs Node 22.19 or newer and found ${process.version}. The installation brings Node 24 along`,
  )
  console.error('where it can; it could not on this system.')
  process.exitCode = 1
}
