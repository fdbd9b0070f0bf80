import { CircleCheck, CircleDashed, Clock, Construction, LoaderCircle, Lock, LockOpen, OctagonX, ShieldAlert, Signpost, TriangleAlert } from '@lucide/vue'
import type { Component } from 'vue'
import type { Schemas } from '@/api/client'
import type { Shown } from '@/app/states/run'
import { text } from '@/locales/en/traffic/domains'
import type { Tone } from '@/ui/tones'
import { day } from '@/ui/write/moment'

export type Domain = Schemas['Domain']

/** Where a domain stands. */
export const placeOfDomain = ({ appId, nodeId, projectId }: Pick<Domain, 'appId' | 'nodeId' | 'projectId'>) => ({ app: appId, node: nodeId, project: projectId })

/** How a domain is told on screen: what is wrong first, then what people see who open it. */
export function domainState({ state, inStep, reason, settings }: Pick<Domain, 'state' | 'inStep' | 'reason' | 'settings'>): Shown {
  const { states } = text
  if (state === 'pending') return { label: states.pending, tone: 'info', icon: LoaderCircle, moving: true }
  if (state === 'failed') return { label: states.failed, tone: 'bad', icon: OctagonX }
  if (state !== 'live') return { label: states.odd(state), tone: 'neutral', icon: CircleDashed }
  if (!inStep && reason) return { label: states.notChanged, tone: 'bad', icon: TriangleAlert }
  if (!inStep) return { label: states.changing, tone: 'info', icon: LoaderCircle, moving: true }
  if (settings.redirect) return { label: states.redirected, tone: 'neutral', icon: Signpost }
  if (settings.maintenance) return { label: states.maintenance, tone: 'warn', icon: Construction }
  return { label: states.live, tone: 'good', icon: CircleCheck }
}

/** A certificate in words. */
export interface CertificateTold {
  label: string
  more: string
  tone: Tone
  icon: Component
}

/** Whether a certificate is wanted at all. */
export const wantsCertificate = ({ settings }: Pick<Domain, 'settings'>): boolean => settings.tls?.certificate !== 'none'

/** Days of life from which on a renewal that fails is bad, and no longer a warning. */
const LAST_DAYS_MS = 7 * 86_400_000

/** A domain's certificate in words: "Good until 12 Feb", "renewed by itself from 13 Jan". */
export function certificateTold({ certificate, settings }: Pick<Domain, 'certificate' | 'settings'>, now: number): CertificateTold {
  const words = text.certificate
  const why = certificate.why?.code
  if (certificate.state === 'valid' && certificate.notAfter) {
    const end = Date.parse(certificate.notAfter)
    if (end <= now) return { label: words.expired(day(end, now)), more: why ? words.notRenewed(words.reason(why)) : '', tone: 'bad', icon: ShieldAlert }
    const label = words.good(day(end, now))
    if (why) return { label, more: words.notRenewed(words.reason(why)), tone: end - now < LAST_DAYS_MS ? 'bad' : 'warn', icon: ShieldAlert }
    return { label, more: certificate.next ? words.renewed(day(certificate.next, now)) : '', tone: 'good', icon: Lock }
  }
  if (!wantsCertificate({ settings })) return { label: words.plain, more: words.plainMore, tone: 'neutral', icon: LockOpen }
  if (certificate.state !== 'missing') return { label: words.unknown, more: words.unknownMore, tone: 'neutral', icon: Clock }
  if (why) return { label: words.missing, more: words.reason(why), tone: 'bad', icon: ShieldAlert }
  return { label: words.asked, more: words.askedMore, tone: 'info', icon: Clock }
}
