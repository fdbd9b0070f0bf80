import type { components } from '../schema'
import { canVerify } from './dsse'
import { keyOf, wordsOfId, type Key } from './key'
import { differs, open, type Body, type Broken, type Signed } from './signed'

export type Command = components['schemas']['SignedCommand']

/** One link of the chain. `unknown`: it could not be checked, and why is said. */
export interface Check {
  link: 'root' | 'delegation' | 'command' | 'accepted' | 'outcome'
  state: 'holds' | 'broken' | 'unknown' | 'absent'
  broken?: Broken
  /** The key that signed it (for the root: the root itself). */
  keyId?: string
  words?: string
  /** What the signature says the bytes are. */
  label?: string
  /** The exact signed text; only where the signature holds. */
  text?: string
  body?: Body
}

export interface Proof {
  support: 'yes' | 'insecure' | 'old'
  checks: Check[]
  /** Nothing that could be checked is broken. */
  holds: boolean
}

/** What this run says of itself outside the signed bytes; the signed ones have to say the same. */
export interface Claim {
  runId: string
  nodeId: string | null
  /** How it ended, as the page tells it; null while it has not. */
  outcome: { verdict: string; facts: unknown; faultCode: string | null } | null
}

const PREFIX = 'application/vnd.serverflow.'
/** Messages that order something: their label and the kind of the order inside. Source: crates/protocol, kind.rs. */
const ORDERS: Record<string, string> = {
  [`${PREFIX}deploy.v1+json`]: 'DEPLOY',
  [`${PREFIX}app-action.v1+json`]: 'APP_ACTION',
  [`${PREFIX}query.v1+json`]: 'QUERY',
  [`${PREFIX}cancel.v1+json`]: 'CANCEL',
  [`${PREFIX}void.v1+json`]: 'VOID',
  [`${PREFIX}desired-state.v1+json`]: 'DESIRED_STATE',
}
const DELEGATION = `${PREFIX}delegation.v1+json`
const ACK = `${PREFIX}ack.v1+json`
const RESULT = `${PREFIX}result.v1+json`
/** Longest time a root may certify a key, and the clock difference that is forgiven. */
const MAX_DELEGATION_MS = 30 * 86_400_000
const SKEW_MS = 60_000

/** Checks the whole chain of a run's command in this browser: nothing the control plane says about it is believed. */
export async function prove(command: Command, claim: Claim): Promise<Proof> {
  const support = await canVerify()
  if (support !== 'yes') return { support, checks: [], holds: false }
  const [root, online, node] = await Promise.all([keyOf(command.rootPublicKey), keyOf(command.publicKey), keyOf(command.nodePublicKey)])
  const order = await ordered(command, online, node, claim)
  const issuedAt = order.state === 'holds' ? Number(order.body!.issuedAt) : null
  const checks = [
    rooted(command, root),
    await delegated(command.delegation, root, command, order.state === 'holds' ? order.body! : null, issuedAt),
    order,
    await said('accepted', command.ack ?? null, ACK, node, command, order, (body, ordered) => differs('sequence', body.sequence, ordered.sequence)),
    await said('outcome', command.result ?? null, RESULT, node, command, order, (body, ordered) =>
      differs('node', body.node, ordered.node) ?? told(body, claim),
    ),
  ]
  return { support, checks, holds: checks.every((check) => check.state !== 'broken') }
}

function rooted(command: Command, root: Key | null): Check {
  const link = 'root'
  if (command.rootPublicKey === null || command.rootPublicKey === undefined) {
    return { link, state: 'unknown', keyId: command.rootFingerprint, words: wordsOfId(command.rootFingerprint) ?? undefined }
  }
  if (!root) return { link, state: 'broken', broken: { code: 'noKey' } }
  const broken = differs('fingerprint', root.id, command.rootFingerprint)
  return { link, state: broken ? 'broken' : 'holds', broken: broken ?? undefined, keyId: root.id, words: root.words }
}

async function delegated(signed: Signed, root: Key | null, { publicKey, rootPublicKey }: Command, order: Body | null, issuedAt: number | null): Promise<Check> {
  const base = { link: 'delegation' as const, keyId: signed.keyId, words: wordsOfId(signed.keyId) ?? undefined, label: DELEGATION }
  if (!root) return rootPublicKey ? { ...base, state: 'broken', broken: { code: 'noKey' } } : { ...base, state: 'unknown' }
  const opened = await open(signed, DELEGATION, root)
  if ('broken' in opened) return { ...base, state: 'broken', broken: opened.broken }
  const { body, text } = opened
  const [from, until] = [Number(body.notBefore), Number(body.notAfter)]
  let broken = differs('key', body.key, publicKey)
  if (!broken && !(until - from <= MAX_DELEGATION_MS)) broken = { code: 'tooLong' }
  if (!broken && order) {
    const isIn = issuedAt !== null && issuedAt >= from - SKEW_MS && issuedAt <= until + SKEW_MS
    if (!isIn) broken = { code: 'time', from, until, at: issuedAt ?? NaN }
    broken ??= differs('epoch', body.epoch, order.epoch)
    const classes = Array.isArray(body.classes) ? body.classes : []
    if (!broken && !classes.includes(order.class)) broken = { code: 'field', name: 'classes', found: classes.join(', '), expected: String(order.class) }
  }
  return { ...base, state: broken ? 'broken' : 'holds', broken: broken ?? undefined, text, body }
}

async function ordered(command: Command, key: Key | null, node: Key | null, claim: Claim): Promise<Check> {
  const base = { link: 'command' as const, keyId: command.keyId, words: key?.words, label: command.label }
  const fail = (broken: Broken): Check => ({ ...base, state: 'broken', broken })
  if (!key) return fail({ code: 'noKey' })
  const kind = ORDERS[command.label]
  if (!kind) return fail({ code: 'field', name: 'label', found: command.label, expected: Object.keys(ORDERS).join(', ') })
  const opened = await open(command, command.label, key)
  if ('broken' in opened) return fail(opened.broken)
  const { body, text } = opened
  const order = body.order as Body | undefined
  const authz = body.authz as Body | undefined
  const broken =
    differs('order.kind', order?.kind, kind) ??
    differs('id', body.id, command.commandId) ??
    differs('authz.run', authz?.run, claim.runId) ??
    (claim.nodeId === null ? null : differs('node', body.node, claim.nodeId)) ??
    differs('nodeKey', body.nodeKey, node?.id) ??
    (Number(body.expiresAt) >= Number(body.issuedAt) ? null : { code: 'time' as const, from: Number(body.issuedAt), until: Number(body.expiresAt), at: Number(body.issuedAt) })
  return { ...base, state: broken ? 'broken' : 'holds', broken: broken ?? undefined, text, body }
}

async function said(
  link: 'accepted' | 'outcome',
  signed: Signed | null,
  label: string,
  node: Key | null,
  command: Command,
  order: Check,
  more: (body: Body, ordered: Body) => Broken | null,
): Promise<Check> {
  if (!signed) return { link, state: 'absent' }
  const base = { link, keyId: signed.keyId, words: node?.words, label }
  if (!node) return { ...base, state: 'broken', broken: { code: 'noKey' } }
  const opened = await open(signed, label, node)
  if ('broken' in opened) return { ...base, state: 'broken', broken: opened.broken }
  const broken = differs('command', opened.body.command, command.commandId) ?? (order.state === 'holds' ? more(opened.body, order.body!) : null)
  return { ...base, state: broken ? 'broken' : 'holds', broken: broken ?? undefined, text: opened.text, body: opened.body }
}

/** Whether the page tells of the outcome what the node signed. */
function told(body: Body, { outcome }: Claim): Broken | null {
  if (!outcome) return null
  const fault = body.fault as Body | null | undefined
  return (
    differs('verdict', body.verdict, outcome.verdict) ??
    differs('fault', fault?.code ?? null, outcome.faultCode) ??
    differs('facts', sorted(body.facts), sorted(outcome.facts))
  )
}

/** One spelling of a value, whatever the order of its fields; what is null is as what is not there. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).filter(([, one]) => one !== null).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

/** The same with one byte of a link changed, to see that it shows. */
export function tampered(command: Command, link: Check['link']): Command {
  const flip = (base64: string): string => {
    const at = Math.floor(base64.length / 2)
    return base64.slice(0, at) + (base64[at] === 'A' ? 'B' : 'A') + base64.slice(at + 1)
  }
  const part = <T extends Signed>(signed: T): T => ({ ...signed, payload: flip(signed.payload) })
  if (link === 'root') return { ...command, rootFingerprint: command.rootFingerprint.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) }
  if (link === 'delegation') return { ...command, delegation: part(command.delegation) }
  if (link === 'accepted') return { ...command, ack: command.ack ? part(command.ack) : command.ack }
  if (link === 'outcome') return { ...command, result: command.result ? part(command.result) : command.result }
  return part(command)
}
