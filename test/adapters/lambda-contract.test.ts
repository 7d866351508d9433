import { startLambda } from '../support/contract/lambda-adapter.ts'
import { testContract } from '../support/contract/suite.ts'
import { httpApi, loadBalancer, restApi } from '../support/lambda/events.ts'
import { LAMBDA_SITUATIONS, startLambda as startRefusing } from '../support/refused/lambda-server.ts'
import { SOME_VALUES, testRefusals, usual } from '../support/refused/suite.ts'

testContract('Lambda behind a REST API', startLambda(restApi))
testContract('Lambda behind an HTTP API', startLambda(httpApi))
testContract('Lambda behind a load balancer', startLambda(loadBalancer))

const setup = { ...usual, situations: LAMBDA_SITUATIONS, values: SOME_VALUES }
testRefusals([{ ...setup, name: 'Lambda behind a REST API', start: startRefusing(restApi) }])
