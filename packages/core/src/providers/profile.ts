import { bare, isObject, type IssuerPolicy, misconfigured, type OptionRow, own, readOptions } from '../adapter.ts'

/** One setting of a profile, under the name that the provider's console uses. */
export interface Word extends OptionRow {
  /** A value for examples. `undefined` leaves the setting out of them. */
  readonly example?: unknown
  /** How an environment variable says it: as text, a list with commas, or a date. @defaultValue it cannot */
  readonly variable?: 'text' | 'list' | 'date'
}

/** What a profile is made of. */
export interface ProfileData<W extends object> {
  /** The name for `JWT_PROVIDER`: lower case, with hyphens. */
  readonly name: string
  /** The provider and the kind of its tokens. */
  readonly title: string
  readonly words: Readonly<Record<keyof W & string, Word>>
  /** Settings of other libraries, or of the same console for something else, and what to do instead. */
  readonly wrong?: Readonly<Record<string, string>>
  /** What arrives in `getAuth(req)`, in Markdown. */
  readonly arrives: string
  /** Known traps, in Markdown. */
  readonly traps: readonly string[]
  policy(words: W): IssuerPolicy
}

/** Gives the policy of one issuer from settings under the names that the provider's console uses. `data` describes the profile. */
export interface Profile<W extends object> {
  /** @throws TypeError for a setting that is missing or wrong */
  (words: W): IssuerPolicy
  readonly data: ProfileData<W>
}

/** Makes a profile. It checks the settings before its policy is made. */
export function profile<W extends object>(data: ProfileData<W>): Profile<W> {
  const action = `use ${data.title}`
  const use = (given: W): IssuerPolicy => {
    if (isObject(given))
      for (const [name, advice] of Object.entries(own(data, 'wrong') ?? {}))
        if (own(given, name) !== undefined && !Object.hasOwn(data.words, name))
          throw misconfigured(action, `"${name}" is not what it needs: ${advice}`)
    const words = readOptions(action, given, data.words, { form: `give an object with ${names(data)}` })
    return Object.freeze(defined(data.policy(words as W)))
  }
  return Object.assign(use, { data: Object.freeze(data) })
}

function names({ words }: { readonly words: Readonly<Record<string, Word>> }): string {
  const required = Object.entries(words).filter(([, word]) => own(word, 'required') === true)
  return required.map(([name]) => `"${name}"`).join(' and ')
}

// Options that narrow must not be present without a value.
function defined(policy: IssuerPolicy): IssuerPolicy {
  return bare(Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined))) as IssuerPolicy
}

/** The start-up error for settings that are valid alone but not together. */
export function wrongWords(title: string, rule: string, found?: unknown): TypeError {
  return found === undefined ? misconfigured(`use ${title}`, rule) : misconfigured(`use ${title}`, rule, found)
}
