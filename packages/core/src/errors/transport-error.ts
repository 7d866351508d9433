/** The transport itself cannot be used: a fault of the installation, and not of the network. */
export class TransportError extends TypeError {
  override readonly name: string = 'TransportError'
}
