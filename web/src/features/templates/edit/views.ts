import type { Document } from '../templateActs'

/** How a template is edited. */
export const VIEWS = ['form', 'json'] as const
export type View = (typeof VIEWS)[number]
export const asView = (found: unknown): View => VIEWS.find((view) => view === found) ?? 'form'

/** A template as it is written for people. */
export const printed = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`

/** What a text says; null where it is no object. */
export function readDocument(text: string): Document | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Document) : null
  } catch {
    return null
  }
}
