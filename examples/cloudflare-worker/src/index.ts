import { createWorker, type Worker } from './worker.ts'

const worker: Worker = createWorker()

// oxlint-disable-next-line import/no-default-export -- the runtime requires a default export
export default worker
