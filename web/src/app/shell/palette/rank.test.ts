import { describe, expect, it } from 'vitest'
import { fold, rank } from './rank'

const entry = (label: string, words = '') => ({ label, folded: fold(label), words: fold(words) })
const found = (question: string, labels: string[]): string[] => rank(question, labels.map((label) => entry(label))).map(({ label }) => label)

describe('rank', () => {
  it('puts whole before beginning before word before inside before loose', () => {
    expect(found('shop', ['workshop', 'my-shop', 'shopping', 'shop', 's-h-o-p'])).toEqual(['shop', 'shopping', 'my-shop', 'workshop', 's-h-o-p'])
  })
  it('asks for every word, in any order', () => {
    expect(found('shop rest', ['Restart shop', 'Restart blog', 'Stop shop'])).toEqual(['Restart shop'])
  })
  it('meets initials, and nothing that is far apart', () => {
    expect(found('hn', ['hello-node', 'kitchen'])).toEqual(['hello-node'])
    expect(found('az', ['a very long name which ends in z'])).toEqual([])
  })
  it('ignores case and accents', () => {
    expect(found('CAFE', ['café'])).toEqual(['café'])
  })
  it('answers to other words, less than to the name', () => {
    const all = [entry('Settings', 'theme dark'), entry('Theme: dark')]
    expect(rank('theme', all).map(({ label }) => label)).toEqual(['Theme: dark', 'Settings'])
  })
  it('prefers what was used lately among equals', () => {
    const all = [entry('shop-a'), entry('shop-b')]
    expect(rank('shop', all, (one) => (one.label === 'shop-b' ? 10 : 0)).map(({ label }) => label)).toEqual(['shop-b', 'shop-a'])
  })
  it('keeps everything for an empty question', () => {
    expect(found('  ', ['b', 'a'])).toEqual(['b', 'a'])
  })
  it('ranks 2,000 objects well within a frame', () => {
    const all = Array.from({ length: 2_000 }, (_, at) => entry(`service-${at % 7}-customer-portal-${at}`, `node-${at % 40} ${crypto.randomUUID()}`))
    rank('warm up', all)
    const times = ['cust 19', 'portal', 'scp', 'n'].map((question) => {
      const began = performance.now()
      rank(question, all)
      return performance.now() - began
    })
    expect(times.toSorted((a, b) => a - b)[1]).toBeLessThan(10)
  })
})
