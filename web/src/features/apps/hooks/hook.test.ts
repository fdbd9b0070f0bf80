import { expect, test } from 'vitest'
import { isSsh, pathsOf, wordOf } from './hook'

test('paths are lines, from the root of the repository', () => {
  for (const [lines, expected] of [
    ['', []],
    ['services/shop\n\n  web/ \n', ['services/shop', 'web/']],
    ['/api\n./docs', ['api', 'docs']],
  ] as const) {
    expect(pathsOf(lines)).toEqual(expected)
  }
})

test('a delivery is told by its run where it has opened one', () => {
  for (const [outcome, runState, label, tone] of [
    ['deploy', 'waiting', 'Waits for a person', 'warn'],
    ['deploy', 'succeeded', 'Deployed', 'good'],
    ['deploy', 'rolled_back', 'Rolled back', 'bad'],
    ['deploy', null, 'Deployed', 'neutral'],
    ['known', 'succeeded', 'Known', 'neutral'],
    ['ignored', null, 'Ignored', 'neutral'],
    ['refused', null, 'Refused', 'bad'],
    ['refused', 'denied', 'Refused', 'bad'],
    ['ping', null, 'Ping', 'neutral'],
  ] as const) {
    expect(wordOf({ outcome, runState }), `${outcome} ${runState}`).toEqual({ label, tone })
  }
})

test('what is read by ssh has a deploy key', () => {
  const found = ['https://a.example/b', 'file:///srv/a', 'git@a.example:b', 'ssh://git@a.example:22/b'].map(isSsh)
  expect(found).toEqual([false, false, true, true])
})
