import { api, data, plan } from '@/api/client'
import type { Act } from '@/app/acting/useAct'
import { panelKeys } from '@/app/panel/keys'
import { text } from '@/locales/en/panel/monitoring'
import { scopeOf, settingsOf, type Form, type Rule } from './form'

const DRY = { dryRun: true } as const
const touches = [panelKeys.monitoring]

/** Has people told when servers cross a line. */
export function makeRule(form: Form, done?: () => void): Act {
  const name = form.name.trim()
  const call = (query?: typeof DRY) => api.POST('/api/v1/monitoring/rules', { params: { query }, body: { name, scope: scopeOf(form), settings: settingsOf(form) } })
  return { title: text.acts.make(name), plan: () => plan(call(DRY)), perform: () => data(call()), touches, done }
}

/** Changes what a rule says; its scope stays. */
export function changeRule(rule: Pick<Rule, 'id' | 'name'>, form: Form, done?: () => void): Act {
  const body = { name: form.name.trim(), settings: settingsOf(form) }
  const call = (query?: typeof DRY) => api.PUT('/api/v1/monitoring/rules/{id}', { params: { path: { id: rule.id }, query }, body })
  return { title: text.acts.change(rule.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches, done }
}

/** Deletes a rule; what it has raised ends. */
export function deleteRule(rule: Pick<Rule, 'id' | 'name'>): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/monitoring/rules/{id}', { params: { path: { id: rule.id }, query } })
  return { title: text.acts.delete(rule.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}
