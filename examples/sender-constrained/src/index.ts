export { type Api, startCertificateApi, startDpopApi } from './apis.ts'
export { type Certificate, createCertificate } from './certificates.ts'
export { getWithCertificate } from './certificate-client.ts'
export { type Answer, answerOf, createDpopClient, type DpopClient, send } from './dpop-client.ts'
