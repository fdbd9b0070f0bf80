import { text } from '@/locales/en/apps'
import { bytes, count } from '@/ui/write/amount'
import { took } from '@/ui/write/moment'
import { held, known, type Entry } from '../env/entry'
import type { Settings } from './form'
import { line } from './words'

/** One difference between two settings, as it is read. */
export interface Change {
  key: string
  /** Of the environment: its value is hidden until asked for. */
  isEnv: boolean
  label: string
  kind: 'added' | 'changed' | 'removed'
  before: string | null
  after: string | null
}

/** Every setting that differs, in the order of the settings page; of the environment each variable for itself. */
export function changes(before: Settings, after: Settings): Change[] {
  const old = told(before)
  const fresh = told(after)
  const found: Change[] = []
  for (const key of new Set([...old.keys(), ...fresh.keys()])) {
    const was = old.get(key) ?? null
    const is = fresh.get(key) ?? null
    if (was === is) continue
    const isEnv = key.startsWith('env.')
    found.push({
      key,
      isEnv,
      label: isEnv ? key.slice(4) : text.settingNames[key as keyof typeof text.settingNames],
      kind: was === null ? 'added' : is === null ? 'removed' : 'changed',
      before: was,
      after: is,
    })
  }
  return found.sort((a, b) => Number(a.isEnv) - Number(b.isEnv))
}

/** What would be done to a value, in one line without the value where it is a variable. */
export function changeWords({ isEnv, label, kind, before, after }: Change): string {
  if (isEnv) return text.envChange[kind](label)
  return kind === 'removed' ? text.settingReset(label, before!) : text.settingSet(label, after!)
}

/** Settings as words; what is as it is found or unlimited is not among them. */
function told(settings: Settings): Map<string, string> {
  const { build, traffic, health, restart, limits } = settings
  const told = new Map<string, string>()
  const put = (key: string, value: string | 0 | null | undefined | false): void => {
    if (value) told.set(key, value)
  }
  put('repository', settings.repository)
  put('reference', settings.reference)
  put('builder', build?.builder && text.builders[build.builder])
  put('root', build?.root)
  put('install', build?.install?.length && line(build.install))
  put('build', build?.build?.length && line(build.build))
  put('start', build?.start?.length && line(build.start))
  put('publish', build?.publish)
  put('hotPath', build?.hotPath != null && text.hotPaths[build.hotPath ? 'on' : 'off'])
  put('args', build?.args?.map(({ name, value }) => `${name}=${value}`).join(', '))
  put('mode', text.modes[traffic?.mode ?? 'http'])
  put('port', traffic?.port && String(traffic.port))
  put('public', traffic?.public ? text.reach.everyone : text.reach.node)
  put('health', health && probeWords(health.probe))
  put('healthWithin', health?.within && took(health.within))
  put('healthEachTry', health?.eachTry && took(health.eachTry))
  put('restart', restart && text.restartRule(restart.maxCrashes, took(restart.window), took(restart.firstDelay), took(restart.maxDelay)))
  put('memory', limits?.memory && bytes(limits.memory))
  put('cpu', limits?.cpuPercent && `${limits.cpuPercent} %`)
  put('pids', limits?.pids && count(limits.pids))
  put('keep', settings.keepReleases && String(settings.keepReleases))
  put('logsDays', settings.logs?.days && String(settings.logs.days))
  put('logsMebibytes', settings.logs?.mebibytes && `${settings.logs.mebibytes} MiB`)
  for (const { value, secret, ...entry } of (settings.env ?? []) as Entry[]) told.set(`env.${known(entry)}`, secret == null ? (value ?? '') : text.envSecretNamed(secret))
  return told
}

export function probeWords(probe: NonNullable<Settings['health']>['probe']): string {
  if (probe.kind === 'http') return text.probes.http(probe.path)
  if (probe.kind === 'logLine') return text.probes.logLine(probe.pattern)
  return probe.kind === 'alive' ? text.probes.alive(took(probe.for)) : text.probes.tcp
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Lays one's own edits of a form upon what somebody else has saved meanwhile; variables one by one. */
export function layOver<F extends { env: Entry[] }>(base: F, mine: F, theirs: F): F {
  const merged = { ...theirs }
  for (const field of Object.keys(mine) as (keyof F)[]) {
    if (field !== 'env' && !same(mine[field], base[field])) merged[field] = mine[field]
  }
  const was = new Map(base.env.map((row) => [known(row), held(row)]))
  const kept = new Map(mine.env.map((row) => [known(row), row]))
  const env = theirs.env.flatMap((row) => {
    const own = kept.get(known(row))
    if (!own) return was.has(known(row)) ? [] : [row]
    return held(own) === was.get(known(row)) ? [row] : [own]
  })
  const there = new Set(env.map(known))
  for (const row of mine.env) if (!there.has(known(row)) && held(row) !== was.get(known(row))) env.push(row)
  return { ...merged, env }
}
