import { asProblem, Problem, type ErrorBody } from '@/api/problem'
import { access } from '@/api/session'

export type Format = 'jsonl' | 'csv'
export const fileName = (format: Format): string => (format === 'jsonl' ? 'serverflow-audit.jsonl' : 'serverflow-activity.csv')

/** The address of an export; an open end is left out. */
export function exportPath(format: Format, from: string, to: string): string {
  const asked = new URLSearchParams({ format, ...(from ? { from } : {}), ...(to ? { to } : {}) })
  return `/api/v1/activity/export?${asked}`
}

/** Fetches an export and saves it. A link would do, if it could carry the credential; a file may take longer than any other answer. */
export async function saveExport(format: Format, from: string, to: string): Promise<string> {
  const token = await access.token()
  const response = await fetch(exportPath(format, from, to), {
    headers: { 'X-Serverflow-Client': 'dashboard', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
  }).catch((error: unknown) => {
    throw asProblem(error)
  })
  if (!response.ok) {
    const told = ((await response.json().catch(() => null)) as { error?: ErrorBody } | null)?.error
    throw new Problem({
      code: told?.code ?? `http.${response.status}`,
      message: told?.message ?? `The control plane answered ${response.status}.`,
      status: response.status,
      fix: told?.details?.fix,
    })
  }
  const url = URL.createObjectURL(await response.blob())
  Object.assign(document.createElement('a'), { href: url, download: fileName(format) }).click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
  return fileName(format)
}
