// @vitest-environment jsdom
import { beforeEach, expect, it } from 'vitest'
import { takeFragment } from './fragment'

beforeEach(() => history.replaceState(null, '', '/reset'))

it('takes the secret out of the address', () => {
  history.replaceState({ kept: 1 }, '', '/reset?a=1#sfp_abc')
  expect(takeFragment('sfp_')).toBe('sfp_abc')
  expect(location.href).not.toContain('sfp_')
  expect(location.search).toBe('?a=1')
  expect(history.state).toEqual({ kept: 1 })
})

it.each(['', '#', '#sfp_', '#sfi_other', '#%E0%A4%A'])('takes %j for no token', (hash) => {
  history.replaceState(null, '', `/reset${hash}`)
  expect(takeFragment('sfp_')).toBeNull()
})

it('reads one that a mail program encoded', () => {
  history.replaceState(null, '', '/reset#%73fp_a-b')
  expect(takeFragment('sfp_')).toBe('sfp_a-b')
})
