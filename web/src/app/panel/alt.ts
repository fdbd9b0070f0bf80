/** What the pages of the panel read of a template. The control plane has judged it; here it is read without trust in its shape. */
export interface AltVariable {
  name: string
  env: string
  description: string
  default: string
  viewable: boolean
  editable: boolean
  rules: string[]
  /** Its value is a secret of the server's project. */
  secret: boolean
}
export interface AltDocument {
  name: string
  description: string
  runtime: string
  images: { label: string; image: string }[]
  startups: { label: string; run: string }[]
  variables: AltVariable[]
  hasInstall: boolean
}

type Bag = Record<string, unknown>
const bag = (value: unknown): Bag => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Bag) : {})
const word = (value: unknown): string => (typeof value === 'string' ? value : '')
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const words = (value: unknown): string[] => list(value).filter((one) => typeof one === 'string')

/** A way to start as one line: the words of a program quoted where they hold spaces. */
function runWords(run: Bag): string {
  if (run.kind === 'shell') return word(run.line)
  return words(run.argv)
    .map((one) => (one === '' || /[\s"]/.test(one) ? JSON.stringify(one) : one))
    .join(' ')
}

export function readAlt(document: unknown): AltDocument {
  const alt = bag(document)
  return {
    name: word(alt.name),
    description: word(alt.description),
    runtime: word(alt.runtime),
    images: list(alt.images).map(bag).map(({ label, image }) => ({ label: word(label), image: word(image) })),
    startups: list(alt.startups).map(bag).map(({ label, run }) => ({ label: word(label), run: runWords(bag(run)) })),
    variables: list(alt.variables).map(bag).map((one) => ({
      name: word(one.name),
      env: word(one.env),
      description: word(one.description),
      default: word(one.default),
      viewable: one.viewable === true,
      editable: one.editable === true,
      rules: words(one.rules),
      secret: one.secret === true,
    })),
    hasInstall: typeof alt.install === 'object' && alt.install !== null,
  }
}

/** How a value is asked for. */
export type ValueField = { kind: 'text' | 'number' | 'switch' } | { kind: 'choice'; options: string[] }

/** By a variable's rules, as the control plane reads them; whether a value is right is said by the plan alone. */
export function fieldOf({ rules }: Pick<AltVariable, 'rules'>): ValueField {
  const options = rules.find((rule) => rule.startsWith('in:'))?.slice(3)
  // Quoted options may hold commas: those are asked for as text.
  if (options && !options.includes('"') && options.includes(',')) return { kind: 'choice', options: options.split(',') }
  const names = rules.map((rule) => rule.split(':')[0]!)
  if (names.some((name) => name === 'boolean' || name === 'bool')) return { kind: 'switch' }
  return names.some((name) => name === 'integer' || name === 'int' || name === 'numeric') ? { kind: 'number' } : { kind: 'text' }
}

export const isRequired = ({ rules }: Pick<AltVariable, 'rules'>): boolean => rules.includes('required')
