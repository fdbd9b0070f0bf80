import type { Schemas } from '@/api/client'
import { known, type Entry } from '../env/entry'
import { envBytes, MAX_BYTES, MAX_VARS, nameWords, refusedName } from '../env/dotenv'
import { line, words } from './words'

export type Settings = Schemas['Settings']
export type Builder = Schemas['Builder']

/** One variable while it is edited. The key keeps its row through renames. */
export interface EnvRow {
  key: number
  name: string
  value: string
  /** The secret in place of a value; empty while none is chosen. */
  secret: string | null
  /** Whose processes get it: `production`, `preview` or `all`. */
  environment: string
}

/** Settings as they are typed: commands as lines, times in seconds, memory in MB; empty means "as it is found". */
export interface SettingsForm {
  repository: string
  reference: string
  builder: '' | Builder
  root: string
  install: string
  build: string
  start: string
  publish: string
  /** Whether a deploy leaves out what is proven to come out as before. */
  hotPath: '' | 'on' | 'off'
  /** Values of a Dockerfile's ARGs; set by the command line, and kept here. */
  args: NonNullable<Settings['build']>['args']
  health: '' | 'http' | 'tcp' | 'logLine' | 'alive'
  healthPath: string
  healthPattern: string
  healthFor: string
  healthWithin: string
  healthEachTry: string
  mode: Schemas['TrafficMode']
  port: string
  isPublic: boolean
  firstDelay: string
  maxDelay: string
  maxCrashes: string
  window: string
  memory: string
  cpuPercent: string
  pids: string
  keepReleases: string
  logsDays: string
  logsMebibytes: string
  env: EnvRow[]
}
export type Refused = Partial<Record<keyof SettingsForm | `env.${number}`, string>>

const MB = 1_024 * 1_024
const DEFAULT_WITHIN_MS = 60_000
const DEFAULT_EACH_TRY_MS = 5_000
const DEFAULT_RESTART = { firstDelay: 250, maxDelay: 30_000, maxCrashes: 10, window: 600_000 }
const DEFAULT_KEEP = 5

let nextKey = 1
export const envRow = (name = '', value = '', secret: string | null = null, environment = 'production'): EnvRow => ({ key: nextKey++, name, value, secret, environment })

const secs = (ms: number | null | undefined): string => (ms == null ? '' : String(ms / 1_000))

/** Settings as a form. */
export function toForm(settings: Settings): SettingsForm {
  const { traffic, build, health, limits } = settings
  const restart = settings.restart ?? DEFAULT_RESTART
  const probe = health?.probe
  return {
    repository: settings.repository,
    reference: settings.reference ?? '',
    builder: build?.builder ?? '',
    root: build?.root ?? '',
    install: line(build?.install ?? []),
    build: line(build?.build ?? []),
    start: line(build?.start ?? []),
    publish: build?.publish ?? '',
    hotPath: build?.hotPath == null ? '' : build.hotPath ? 'on' : 'off',
    args: build?.args ?? undefined,
    health: probe?.kind ?? '',
    healthPath: probe?.kind === 'http' ? probe.path : '',
    healthPattern: probe?.kind === 'logLine' ? probe.pattern : '',
    healthFor: probe?.kind === 'alive' ? secs(probe.for) : '',
    healthWithin: secs(health?.within),
    healthEachTry: secs(health?.eachTry),
    mode: traffic?.mode ?? 'http',
    port: traffic?.port ? String(traffic.port) : '',
    isPublic: traffic?.public ?? false,
    firstDelay: secs(restart.firstDelay),
    maxDelay: secs(restart.maxDelay),
    maxCrashes: String(restart.maxCrashes),
    window: secs(restart.window),
    memory: limits?.memory ? String(limits.memory / MB) : '',
    cpuPercent: limits?.cpuPercent ? String(limits.cpuPercent) : '',
    pids: limits?.pids ? String(limits.pids) : '',
    keepReleases: String(settings.keepReleases ?? DEFAULT_KEEP),
    logsDays: settings.logs?.days ? String(settings.logs.days) : '',
    logsMebibytes: settings.logs?.mebibytes ? String(settings.logs.mebibytes) : '',
    env: (settings.env ?? []).map(({ name, value, secret, environment }: Entry) => envRow(name, value ?? '', secret ?? null, environment ?? 'production')),
  }
}

/** A form as settings, and what in it cannot be read, by field. */
export function fromForm(form: SettingsForm): { settings: Settings; refused: Refused } {
  const refused: Refused = {}
  const number = (field: keyof SettingsForm, least: number, most: number, scale = 1): number | undefined => {
    const typed = String(form[field]).trim()
    if (!typed) return undefined
    const value = Number(typed)
    if (Number.isFinite(value) && value >= least && value <= most && (scale > 1 || Number.isInteger(value))) return Math.round(value * scale)
    refused[field] = scale > 1 ? `A number from ${least} to ${most}.` : `A whole number from ${least} to ${most}.`
    return undefined
  }
  const needed = (field: keyof SettingsForm, least: number, most: number, scale = 1): number => {
    if (!String(form[field]).trim()) refused[field] = 'A number is needed.'
    return number(field, least, most, scale) ?? least
  }
  const command = (field: 'install' | 'build' | 'start'): string[] | undefined => {
    try {
      const argv = words(form[field])
      return argv.length ? argv : undefined
    } catch (error) {
      refused[field] = (error as Error).message
      return undefined
    }
  }
  if (!form.repository.trim()) refused.repository = 'Where the code is: https://…, ssh://… or git@host:path.'
  const build = {
    builder: form.builder || undefined,
    root: form.root.trim() || undefined,
    install: command('install'),
    build: command('build'),
    start: command('start'),
    publish: form.publish.trim() || undefined,
    hotPath: form.hotPath ? form.hotPath === 'on' : undefined,
    args: form.args,
  }
  const settings: Settings = {
    repository: form.repository.trim(),
    reference: form.reference.trim() || undefined,
    traffic: { mode: form.mode, port: number('port', 1, 65_535), public: form.isPublic },
    build: defined(build),
    env: typed(form.env).map(entryOf),
    health: health(form, number, refused),
    restart: {
      firstDelay: needed('firstDelay', 0.001, 86_400, 1_000),
      maxDelay: needed('maxDelay', 0.001, 86_400, 1_000),
      maxCrashes: needed('maxCrashes', 0, 65_535),
      window: needed('window', 0.001, 604_800, 1_000),
    },
    limits: defined({ memory: number('memory', 0.001, 1_048_576, MB), cpuPercent: number('cpuPercent', 1, 100_000), pids: number('pids', 1, 1_000_000) }),
    keepReleases: needed('keepReleases', 1, 50),
    logs: kept(number('logsDays', 1, 400), number('logsMebibytes', 1, 4_096)),
  }
  checkEnv(typed(form.env), refused)
  return { settings: defined({ ...settings, traffic: defined(settings.traffic!) }) as Settings, refused }
}

/** As the installation keeps them where neither is set. */
const kept = (days: number | undefined, mebibytes: number | undefined): Settings['logs'] =>
  days === undefined && mebibytes === undefined ? undefined : defined({ days, mebibytes })

/** A row in which nothing was typed yet is none. */
function entryOf({ name, value, secret, environment }: EnvRow): Schemas['EnvVar'] {
  const entry = secret === null ? { name: name.trim(), value } : { name: name.trim(), secret }
  return environment === 'production' ? entry : { ...entry, environment: environment as Schemas['Environment'] }
}
const typed = (rows: readonly EnvRow[]): EnvRow[] => rows.filter(({ name, value, secret }) => name.trim() || value || secret)

type ReadNumber = (field: keyof SettingsForm, least: number, most: number, scale?: number) => number | undefined

function health(form: SettingsForm, number: ReadNumber, refused: Refused): Settings['health'] {
  if (!form.health) return undefined
  const within = number('healthWithin', 0.001, 1_800, 1_000) ?? DEFAULT_WITHIN_MS
  const eachTry = number('healthEachTry', 0.001, 1_800, 1_000) ?? Math.min(DEFAULT_EACH_TRY_MS, within)
  if (eachTry > within) refused.healthEachTry = 'Not longer than the whole check.'
  const path = form.healthPath.trim()
  if (form.health === 'http' && !path.startsWith('/')) refused.healthPath = 'A path begins with /: /healthz.'
  if (form.health === 'logLine' && !form.healthPattern) refused.healthPattern = 'A regular expression that a log line has to match.'
  const alive = form.health === 'alive' ? number('healthFor', 0.001, 1_800, 1_000) : undefined
  if (form.health === 'alive' && alive === undefined) refused.healthFor ??= 'A number is needed.'
  if (alive !== undefined && alive > within) refused.healthFor = 'Not longer than the whole check.'
  const probe: Schemas['Probe'] =
    form.health === 'http'
      ? { kind: 'http', path }
      : form.health === 'logLine'
        ? { kind: 'logLine', pattern: form.healthPattern }
        : form.health === 'alive'
          ? { kind: 'alive', for: alive ?? 1 }
          : { kind: 'tcp' }
  return { probe, within, eachTry }
}

function checkEnv(rows: readonly EnvRow[], refused: Refused): void {
  const seen = new Set<string>()
  for (const { key, name, secret, environment } of rows) {
    const trimmed = name.trim()
    const own = known({ name: trimmed, environment })
    if (refusedName(trimmed)) refused[`env.${key}`] = nameWords(trimmed)
    else if (seen.has(own)) refused[`env.${key}`] = `${trimmed} is there twice.`
    else if (secret === '') refused[`env.${key}`] = 'Choose a secret, or give a value.'
    seen.add(own)
  }
  const bytes = envBytes(rows)
  if (rows.length > MAX_VARS) refused.env = `${rows.length} variables; ${MAX_VARS} are allowed.`
  else if (bytes > MAX_BYTES) refused.env = `${bytes} bytes; ${MAX_BYTES} are allowed. Put large data in a file.`
}

/** Without what is absent, so that two settings can be compared. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T
}
