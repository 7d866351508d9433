import { createWorker, type Worker } from './worker.ts'

const worker: Worker = createWorker()

// oxlint-disable-next-line import/no-default-export -- the runtime looks for the worker there, and for nothing else
export default worker
