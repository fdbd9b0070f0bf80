import type { Schemas } from '@/api/client'

/** Limits as they are typed: sizes in MiB; empty is no limit. */
export interface LimitForm {
  memory: string
  swap: string
  cpuPercent: string
  disk: string
  pids: string
}
export const LIMITS = ['memory', 'swap', 'cpuPercent', 'disk', 'pids'] as const
export type LimitName = (typeof LIMITS)[number]

const MIB = 1_024 * 1_024
const SIZES = new Set<LimitName>(['memory', 'swap', 'disk'])
const scale = (name: LimitName): number => (SIZES.has(name) ? MIB : 1)

export function toLimits(limits: Schemas['ServerLimits'] | undefined): LimitForm {
  const shown = (name: LimitName): string => (limits?.[name] == null ? '' : String(limits[name]! / scale(name)))
  return { memory: shown('memory'), swap: shown('swap'), cpuPercent: shown('cpuPercent'), disk: shown('disk'), pids: shown('pids') }
}

/** In the API's words; `wrong` names what is no number. Whether a number is allowed is said by the plan. */
export function fromLimits(form: LimitForm): { limits: Schemas['ServerLimits']; wrong: LimitName[] } {
  const limits: Schemas['ServerLimits'] = {}
  const wrong: LimitName[] = []
  for (const name of LIMITS) {
    const typed = String(form[name]).trim()
    if (!typed) continue
    const value = Number(typed) * scale(name)
    if (!/^\d+([.]\d+)?$/.test(typed) || !Number.isSafeInteger(value)) wrong.push(name)
    else limits[name] = value
  }
  return { limits, wrong }
}
