import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import type { Domain } from '@/app/domains/domain'
import { text } from '@/locales/en/traffic/domains'
import type { DomainSettings } from './form/form'

type Opened = Promise<Schemas['RunOpened']>
const DRY = { dryRun: true } as const
const touches = [[...keys.domains], [...keys.runs, 'list']]
const words = text.acts

/** Has a domain lead to an app. */
export function addDomain(wanted: { app: string; domain: string; settings: DomainSettings }, done: () => void): Act {
  const { app: appId, domain, settings } = wanted
  const call = (query?: typeof DRY) => api.POST('/api/v1/proxies', { params: { query }, body: { appId, domain, settings } })
  return {
    title: words.add(domain),
    about: settings.tls?.hsts ? words.aboutHsts : undefined,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches,
    done,
  }
}

const put = ({ id }: Domain, settings: DomainSettings) => (query?: typeof DRY) => api.PUT('/api/v1/proxies/{id}', { params: { path: { id }, query }, body: { settings } })

/** Changes how one is served; `changed` are the differences in words, which are told before what the node does. */
export function changeDomain(domain: Domain, settings: DomainSettings, changed: string[]): Act {
  const call = put(domain, settings)
  const isNewlyKept = !!settings.tls?.hsts && !domain.settings.tls?.hsts
  return {
    title: words.change(domain.domain),
    about: isNewlyKept ? `${words.aboutChange} ${words.aboutHsts}` : words.aboutChange,
    plan: async () => {
      const planned = await plan(call(DRY))
      return { ...planned, steps: [...changed, ...planned.steps] }
    },
    perform: (): Opened => data(call()),
    touches,
  }
}

/** Asks for its certificate now: the same settings once more. */
export function askAgain(domain: Domain): Act {
  const call = put(domain, domain.settings)
  return { title: words.askAgain(domain.domain), about: words.aboutAskAgain, plan: () => plan(call(DRY)), perform: (): Opened => data(call()), touches }
}

/** Has one lead nowhere. */
export function removeDomain(domain: Domain, done: () => void): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/proxies/{id}', { params: { path: { id: domain.id }, query } })
  return {
    title: words.remove(domain.domain),
    about: words.aboutRemove,
    danger: true,
    confirm: domain.domain,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches,
    done,
  }
}
