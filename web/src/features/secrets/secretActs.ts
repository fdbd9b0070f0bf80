import { api, data, plan } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/people/secrets'
import type { Secret } from './useSecrets'

const DRY = { dryRun: true } as const
const touches = [[...keys.secrets], [...keys.apps]]

/** Seals a value under a name. */
export function createSecret(wanted: { project: string; name: string; value: string; description: string; environment: Secret['environment'] }): Act {
  const body = { ...wanted, project: wanted.project || undefined }
  const call = (query?: typeof DRY) => api.POST('/api/v1/secrets', { params: { query }, body })
  return { title: text.createAct(wanted.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** Gives it a new value, as a new version, or another description. */
export function changeSecret(secret: Secret, change: { value: string } | { description: string; environment: Secret['environment'] }): Act {
  const call = (query?: typeof DRY) => api.PATCH('/api/v1/secrets/{id}', { params: { path: { id: secret.id }, query }, body: change })
  const isValue = 'value' in change
  return {
    title: isValue ? text.changeOf(secret.name) : text.describeOf(secret.name),
    about: isValue ? text.changeAbout : undefined,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches,
  }
}

/** Deletes one that nothing uses. */
export function deleteSecret(secret: Secret): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/secrets/{id}', { params: { path: { id: secret.id }, query } })
  return {
    title: text.removeOf(secret.name),
    about: text.removeAbout(secret.usedBy.length),
    danger: true,
    confirm: secret.name,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches,
  }
}
