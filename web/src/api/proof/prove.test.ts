// @vitest-environment node
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toBase64, toHex, type Bytes } from './bytes'
import { pae } from './dsse'
import { isWeak, keyOf } from './key'
import { comparePin } from './pin'
import { prove, tampered, type Check, type Claim, type Command } from './prove'
import type { Signed } from './signed'

// Samples written and signed by the protocol's own code; the keys are those of its tests.
const sample = (name: string): Signed =>
  (JSON.parse(readFileSync(new URL(`../../../../crates/protocol/tests/samples/${name}-v1.json`, import.meta.url), 'utf8')) as { signed: Signed }).signed
const bodyOf = (signed: Signed): Record<string, never> => JSON.parse(Buffer.from(signed.payload, 'base64').toString()) as Record<string, never>
const secret = (seed: number) =>
  createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' })
const publicOf = (seed: number): string => createPublicKey(secret(seed)).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
const seal = (label: string, body: object, seed: number, keyId: string): Signed => {
  const payload = new TextEncoder().encode(JSON.stringify(body)) as Bytes
  return { keyId, payload: toBase64(payload), signature: sign(null, pae(label, payload), secret(seed)).toString('base64') }
}
const [ROOT, ONLINE, NODE] = [1, 2, 3]
const DELEGATION = 'application/vnd.serverflow.delegation.v1+json'
const idOf = async (seed: number): Promise<string> => (await keyOf(publicOf(seed)))!.id

async function chain(): Promise<{ command: Command; claim: Claim; delegation: Record<string, unknown> }> {
  const [deploy, ack, result] = [sample('deploy'), sample('ack'), sample('result')]
  const order = bodyOf(deploy) as unknown as { id: string; node: string; epoch: string; issuedAt: number; authz: { run: string } }
  const delegation = {
    key: publicOf(ONLINE), instance: '01a1fcca-0748-7101-8101-010101010101', classes: ['read', 'operate'], epoch: order.epoch,
    notBefore: order.issuedAt - 1_000, notAfter: order.issuedAt + 86_400_000,
  }
  const command: Command = {
    ...deploy, commandId: order.id, label: 'application/vnd.serverflow.deploy.v1+json', publicKey: publicOf(ONLINE),
    delegation: seal(DELEGATION, delegation, ROOT, await idOf(ROOT)), rootPublicKey: publicOf(ROOT), rootFingerprint: await idOf(ROOT),
    ack, result, nodePublicKey: publicOf(NODE),
  }
  const ended = bodyOf(result) as unknown as { verdict: string; facts: object; fault?: { code: string } }
  const outcome = { verdict: ended.verdict, facts: Object.fromEntries(Object.entries({ ...ended.facts, extra: null }).reverse()), faultCode: ended.fault?.code ?? null }
  return { command, claim: { runId: order.authz.run, nodeId: order.node, outcome }, delegation }
}
const states = (checks: Check[]) => Object.fromEntries(checks.map(({ link, state }) => [link, state]))
const holding = { root: 'holds', delegation: 'holds', command: 'holds', accepted: 'holds', outcome: 'holds' }

describe('a chain written by the protocol', () => {
  it('holds, link by link', async () => {
    const { command, claim } = await chain()
    const proof = await prove(command, claim)
    expect(states(proof.checks)).toEqual(holding)
    expect(proof.holds).toBe(true)
    expect(proof.checks[2]!.body!.sequence).toBe(bodyOf(command).sequence)
  })
  it.each(['root', 'delegation', 'command', 'accepted', 'outcome'] as const)('shows a changed byte of the %s where it is', async (link) => {
    const { command, claim } = await chain()
    const proof = await prove(tampered(command, link), claim)
    expect(states(proof.checks)).toEqual({ ...holding, [link]: 'broken' })
    expect(proof.holds).toBe(false)
  })
  it('every single byte of the order counts', async () => {
    const { command, claim } = await chain()
    const bytes = Buffer.from(command.payload, 'base64')
    for (let at = 0; at < bytes.length; at += 37) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      const proof = await prove({ ...command, payload: changed.toString('base64') }, claim)
      expect(states(proof.checks).command, `byte ${at}`).toBe('broken')
    }
  })
})

describe('what is signed well and still does not hold', () => {
  const broken = async (change: (all: Awaited<ReturnType<typeof chain>>) => void | Promise<void>) => {
    const all = await chain()
    await change(all)
    const { checks } = await prove(all.command, all.claim)
    return checks.filter((check) => check.state === 'broken').map(({ link, broken }) => [link, broken!.code, 'name' in broken! ? broken.name : null])
  }
  const redelegate = (over: object) => async (all: Awaited<ReturnType<typeof chain>>) => {
    all.command.delegation = seal(DELEGATION, { ...all.delegation, ...over }, ROOT, await idOf(ROOT))
  }
  it.each<[string, (all: Awaited<ReturnType<typeof chain>>) => void | Promise<void>, unknown]>([
    ['another run', ({ claim }) => void (claim.runId = 'x'), [['command', 'field', 'authz.run']]],
    ['another node', ({ claim }) => void (claim.nodeId = 'x'), [['command', 'field', 'node']]],
    ['another verdict on the page', ({ claim }) => void (claim.outcome!.verdict = 'succeeded?'), [['outcome', 'field', 'verdict']]],
    ['another fault on the page', ({ claim }) => void (claim.outcome!.faultCode = 'x'), [['outcome', 'field', 'fault']]],
    ['other facts on the page', ({ claim }) => void (claim.outcome!.facts = { kind: 'deploy' }), [['outcome', 'field', 'facts']]],
    ['another label', ({ command }) => void (command.label = 'application/vnd.serverflow.query.v1+json'), [['command', 'signature', null]]],
    ['a label of no order', ({ command }) => void (command.label = DELEGATION), [['command', 'field', 'label']]],
    ['a key name that is not the key', ({ command }) => void (command.keyId = command.keyId.replace(/.$/, 'x')), [['command', 'otherKey', null]]],
    ['a certificate of another key', redelegate({ key: publicOf(NODE) }), [['delegation', 'field', 'key']]],
    ['a certificate that had run out', redelegate({ notBefore: 1, notAfter: 2 }), [['delegation', 'time', null]]],
    ['a certificate for too long', redelegate({ notBefore: 0 }), [['delegation', 'tooLong', null]]],
    ['a certificate of another epoch', redelegate({ epoch: '99' }), [['delegation', 'field', 'epoch']]],
    ['a certificate for reading alone', redelegate({ classes: ['read'] }), [['delegation', 'field', 'classes']]],
    ['a certificate signed by the online key', async ({ command, delegation }) => void (command.delegation = seal(DELEGATION, delegation, ONLINE, await idOf(ONLINE))), [['delegation', 'otherKey', null]]],
    ['a receipt signed by the control plane', async ({ command }) => void (command.ack = seal('application/vnd.serverflow.ack.v1+json', bodyOf(command.ack!), ONLINE, await idOf(NODE))), [['accepted', 'signature', null]]],
    ['a weak root', ({ command }) => void (command.rootPublicKey = toBase64(new Uint8Array(32).fill(1, 0, 1))), [['root', 'noKey', null], ['delegation', 'noKey', null]]],
    ['base64 with a second spelling', ({ command }) => void (command.signature = `${command.signature.slice(0, -3)}${String.fromCharCode(command.signature.at(-3)!.charCodeAt(0) + 1)}==`), [['command', 'base64', null]]],
  ])('%s', async (_, change, expected) => expect(await broken(change)).toEqual(expected))

  it('a malleable signature is none', async () => {
    expect(
      await broken(({ command }) => {
        const bytes = Buffer.from(command.signature, 'base64')
        const order = 2n ** 252n + 27742317777372353535851937790883648493n
        const scalar = BigInt(`0x${toHex(Uint8Array.from(bytes.subarray(32)).reverse() as Bytes)}`) + order
        Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse().copy(bytes, 32)
        command.signature = bytes.toString('base64')
      }),
    ).toEqual([['command', 'signature', null]])
  })
  it('a root kept offline is said to be unchecked, not good', async () => {
    const { command, claim } = await chain()
    const proof = await prove({ ...command, rootPublicKey: null }, claim)
    expect(states(proof.checks)).toEqual({ ...holding, root: 'unknown', delegation: 'unknown' })
  })
  it('what the node has not said is absent', async () => {
    const { command, claim } = await chain()
    expect(states((await prove({ ...command, ack: null, result: null }, claim)).checks)).toEqual({ ...holding, accepted: 'absent', outcome: 'absent' })
  })
})

it.each([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
])('%s is a weak key', (hex) => expect(isWeak(Uint8Array.from(Buffer.from(hex, 'hex')))).toBe(true))
it('a real key is not weak', () => expect(isWeak(Uint8Array.from(Buffer.from(publicOf(ROOT), 'base64')))).toBe(false))

it('the first root seen is kept, and another one is noticed', () => {
  const kept = new Map<string, string>()
  const store = { getItem: (name: string) => kept.get(name) ?? null, setItem: (name: string, value: string) => void kept.set(name, value) } as Storage
  const [one, two] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string]
  expect(comparePin(one, 1, store).state).toBe('first')
  expect(comparePin(one, 2, store).state).toBe('same')
  expect(comparePin(two, 3, store)).toEqual({ state: 'other', pin: { fingerprint: one, at: 1 } })
  expect(comparePin('nonsense', 3, store).state).toBe('unkept')
  expect(comparePin(one, 3, null).state).toBe('unkept')
})
