/** A set of scopes that stays as it was made: `Object.freeze` does not stop `Set.prototype.add`. */
export class ReadonlyScopes extends Set<string> {
  constructor(scopes: Iterable<string>) {
    super()
    for (const scope of scopes) super.add(scope)
    Object.freeze(this)
  }

  override add(): never {
    throw new TypeError('The scopes of a verified token cannot be changed')
  }

  override delete(): never {
    throw new TypeError('The scopes of a verified token cannot be changed')
  }

  override clear(): never {
    throw new TypeError('The scopes of a verified token cannot be changed')
  }
}
