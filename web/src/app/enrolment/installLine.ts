import type { Schemas } from '@/api/client'

/** How the agent is started once the machine is a node. */
export type Start = 'terminal' | 'service'

const STARTS: Record<Start, string> = {
  terminal: 'serverflow-agent run',
  service: 'systemctl enable --now serverflow-agent',
}

/** The line that makes the machine a node and starts its agent. */
export const joinLine = (made: Pick<Schemas['EnrolToken'], 'command'>, start: Start): string => `${made.command} && ${STARTS[start]}`

/** What starts the agent of a machine that is a node already. */
export const startLine = (start: Start): string => STARTS[start]

/** The same control plane, with a code on the machine's screen instead of a token; null where the line is of another shape. */
export function deviceLine(made: Pick<Schemas['EnrolToken'], 'command' | 'token'>, start: Start): string | null {
  const token = `--token ${made.token}`
  return made.command.includes(token) ? joinLine({ command: made.command.replace(token, '--device') }, start) : null
}

/** Whether the address in the line means the machine it is run on: then only the control plane's own machine can join. */
export function isLoopback(made: Pick<Schemas['EnrolToken'], 'command'>): boolean {
  const host = /--url wss:\/\/(\[[^\]]*\]|[^\s:/]+)/.exec(made.command)?.[1] ?? ''
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.')
}

/** The node that came after the first reading; newest first in both. Null while none did. */
export function newcomerOf(before: Schemas['Node'][] | null, now: Schemas['Node'][]): Schemas['Node'] | null {
  if (!before) return null
  const newest = before[0]?.createdAt ?? ''
  return now.find((node) => node.createdAt > newest && !before.some(({ id }) => id === node.id)) ?? null
}

/** A countdown as it is read: "14:05"; null when it is over. */
export function countdown(until: number, now: number): string | null {
  const left = Math.ceil((until - now) / 1_000)
  if (left <= 0) return null
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
}
