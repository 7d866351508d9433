export type { AwsCall, AwsEndpoint, AwsInput, AwsOperation, AwsOperationScript, AwsService } from './aws-endpoint.ts'
export { startAwsEndpoint } from './aws-endpoint.ts'
export type { AwsAnswer, AwsCommonError, AwsError, AwsOk, AwsOutage } from './aws-fault.ts'
export { AwsRefusal } from './aws-refusal.ts'
