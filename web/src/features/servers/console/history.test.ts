import { expect, it } from 'vitest'
import { MAX_COMMANDS, remembered, step, type Walk } from './history'

it.each([
  [[], 'say hi', ['say hi']],
  [['say hi'], 'say hi', ['say hi']],
  [['say hi', 'list'], 'say hi', ['say hi', 'list', 'say hi']],
  [['list'], '  ', ['list']],
])('%j and then %j', (commands, line, all) => expect(remembered(commands, line)).toEqual(all))

it('is bounded', () => {
  let commands: string[] = []
  for (let at = 0; at < MAX_COMMANDS + 5; at++) commands = remembered(commands, `say ${at}`)
  expect(commands.length).toBe(MAX_COMMANDS)
  expect(commands[0]).toBe('say 5')
})

it('walks back and forth, and ends with what was being typed', () => {
  const commands = ['list', 'say hi']
  let walk: Walk | null = null
  const shown: string[] = []
  let now = 'sto'
  for (const by of [-1, -1, -1, 1, 1, 1] as const) {
    const next = step(commands, walk, by, now)
    if (next) [walk, now] = [next, next.shown]
    shown.push(now)
  }
  expect(shown).toEqual(['say hi', 'list', 'list', 'say hi', 'sto', 'sto'])
})
