/** The `orders.mjs` of the recipes for calls, which notes what runs. */
export const ORDERS = `
export const ran = []
export const cancelOrder = (id) => (ran.push('cancel'), 'cancelled ' + id)
export async function* newOrders() {
  ran.push('orders')
  yield 'first'
  await new Promise(() => {})
}
`
