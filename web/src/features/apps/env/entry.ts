/** A variable as the API has it: with a value, or with the name of a secret in its place. */
export interface Entry {
  name: string
  value?: string | null
  secret?: string | null
  /** Whose processes get it; production's where absent. */
  environment?: string | null
}

/** What tells variables apart: of each environment there may be one of a name. */
export const known = ({ name, environment }: Pick<Entry, 'name' | 'environment'>): string =>
  environment && environment !== 'production' ? `${name} (${environment})` : name

/** What a variable holds, for comparing: a value and a secret of the same text are not the same. */
export const held = ({ value, secret }: Omit<Entry, 'name'>): string => (secret == null ? `value ${value ?? ''}` : `secret ${secret}`)
