import { expect, it } from 'vitest'
import { eggFileName } from './eggFileName'

it.each([
  ['Paper 1.21', 'json', 'egg-paper-1-21.json'],
  ['../../etc/passwd', 'yaml', 'egg-etc-passwd.yaml'],
  ['\u202Egnp.exe', 'json', 'egg-gnp-exe.json'],
  ['マインクラフト', 'json', 'egg-template.json'],
  ['a'.repeat(200), 'json', `egg-${'a'.repeat(60)}.json`],
] as const)('%s', (name, encoding, file) => expect(eggFileName(name, encoding)).toBe(file))
