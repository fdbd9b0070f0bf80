import { expect, it } from 'vitest'
import { diffLines } from './diffLines'

it('numbers the lines of a difference', () => {
  const diff = '--- a/x\n+++ b/x\n@@ -3,3 +3,3 @@\n a\n-b\n+x\n c\n@@ -20 +20,2 @@\n--- looks like a head\n+y\n+\n\\ No newline at end of file\n'
  expect(diffLines(diff).map(({ kind, before, after }) => [kind, before, after])).toEqual([
    ['head', null, null],
    ['head', null, null],
    ['place', null, null],
    ['same', 3, 3],
    ['removed', 4, null],
    ['added', null, 4],
    ['same', 5, 5],
    ['place', null, null],
    ['removed', 20, null],
    ['added', null, 20],
    ['added', null, 21],
    ['head', null, null],
  ])
})
