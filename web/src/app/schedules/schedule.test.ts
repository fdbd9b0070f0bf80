import { expect, it } from 'vitest'
import { fieldOf, formOf, newStep, refusedAtOnce, settingsOf, shownAs, stateOf, typedOf, wordsOf } from './schedule'

it.each([
  [['node', 'report.js', '--all'], 'node\nreport.js\n--all'],
  [['sh', '-c', 'a && b'], 'sh\n-c\na && b'],
  // What a line cannot hold is told as a list, and comes back as it was.
  [['echo', 'two\nlines'], '["echo","two\\nlines"]'],
  [['echo', ''], '["echo",""]'],
  [['echo', ' kept '], '["echo"," kept "]'],
  [['[', '-f', 'x', ']'], '["[","-f","x","]"]'],
])('a command is typed and read again as it was: %o', (command, typed) => {
  expect(typedOf(command)).toBe(typed)
  expect(wordsOf(typed)).toEqual(command)
})

it('nothing splits a line, and empty lines are no words', () => {
  expect(wordsOf(' node report.js \n\n--all\n')).toEqual(['node report.js', '--all'])
  expect(wordsOf('[ -f x ]')).toEqual(['[ -f x ]'])
  expect(shownAs(['sh', '-c', 'a && b'])).toBe('sh -c "a && b"')
})

it('a schedule that is opened and sent again is the same', () => {
  const settings = { cron: '30 2 * * *', timezone: 'Europe/Berlin', command: ['node', 'x.js'], timeLimit: 90_000, overlap: 'queue', missed: 'once', enabled: false }
  expect(settingsOf(formOf({ name: 'nightly', settings }, 'Asia/Tokyo'), 'app')).toEqual(settings)
  const steps = [
    { delay: 0, continueOnFailure: false, command: 'say bye  ' },
    { delay: 60_000, continueOnFailure: true, power: 'restart' },
  ]
  const { command, ...rest } = settings
  const chain = { ...rest, steps, onlyWhenOnline: true }
  expect(settingsOf(formOf({ name: 'nightly', settings: chain }, 'Asia/Tokyo'), 'server')).toEqual(chain)
  expect(formOf(null, 'Asia/Tokyo').timezone).toBe('Asia/Tokyo')
  expect(formOf({ name: 'nightly', settings: { cron: '@daily', command: ['x'] } }, 'Asia/Tokyo').timezone).toBe('UTC')
})

it('what needs no question is said at once, each beside its field', () => {
  const form = { ...formOf(null, 'UTC'), name: 'nightly', command: 'node', cron: 'nonsense' }
  const fields = (part: object, taken: string[] = []) => Object.keys(refusedAtOnce({ ...form, ...part }, 'app', taken))
  expect(fields({})).toEqual([])
  expect(fields({ name: ' ', command: '\n' })).toEqual(['name', 'command'])
  expect(fields({ name: 'Nightly Report' })).toEqual(['name'])
  expect(fields({}, ['nightly'])).toEqual(['name'])
  expect(fields({ timeLimit: 'ten' })).toEqual(['timeLimit'])
  expect(fields({ timeLimit: '' })).toEqual([])
  const steps = [newStep({ kind: 'stop', delay: '900' }), newStep({ delay: '901' }), newStep({ delay: 'soon', command: 'say x' })]
  expect(Object.keys(refusedAtOnce({ ...form, command: '', steps }, 'server', []))).toEqual(['steps.1.delay', 'steps.1.command', 'steps.2.delay'])
})

it('a refusal stands beside the field it is of', () => {
  const of = (code: string, message: string, field: string | null = null) => fieldOf({ code, message, field })
  expect(of('value.refused', 'settings.cron: the minute "61" is not understood')).toBe('cron')
  expect(of('value.refused', 'settings.timeLimit: between 1 s and 24 h are allowed')).toBe('timeLimit')
  expect(of('body.invalid', 'no such zone', 'settings.timezone')).toBe('timezone')
  expect(of('value.refused', 'settings.steps.2.delay: between 0 and 900 s are allowed')).toBe('steps.2.delay')
  expect(of('path.invalid', 'a name has letters')).toBe('name')
  expect(of('schedule.too_many', '`shop` has 20 schedules already.')).toBeNull()
})

it('a schedule is told by what is most urgent of it', () => {
  const of = (part: object) => stateOf({ state: 'standing', inStep: true, settings: { cron: '@daily', command: ['x'] }, ...part })
  expect(of({}).label).toBe('On')
  expect(of({ state: 'pending', inStep: false }).label).toBe('Being set')
  expect(of({ state: 'failed', inStep: false }).tone).toBe('bad')
  expect(of({ settings: { cron: '@daily', command: ['x'], enabled: false } }).label).toBe('Off')
})
