// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { mount } from '@vue/test-utils'
import { expect, it, vi } from 'vitest'
import { defineComponent } from 'vue'
import { socket } from '@/api/socket'
import { useFreshWorkflows } from './useFreshWorkflows'
import { workflowKeys } from './workflowKeys'

type Tell = (event: { data: unknown }) => void

it('lists are read again when a run of a workflow opens, goes on or ends, and for no other run', () => {
  const listeners = new Map<string, Tell>()
  vi.spyOn(socket, 'listen').mockImplementation((topic, listener) => {
    listeners.set(topic, listener as unknown as Tell)
    return () => listeners.delete(topic)
  })
  const queryClient = new QueryClient()
  const list = workflowKeys.executionList({})
  const isStale = (): boolean => queryClient.getQueryState(list)!.isInvalidated
  const heard = (topic: string, data: object): boolean => {
    vi.useFakeTimers()
    const page = mount(defineComponent({ setup: () => useFreshWorkflows(), template: '<i />' }), { global: { plugins: [[VueQueryPlugin, { queryClient }]] } })
    queryClient.setQueryData(list, [])
    listeners.get(topic)!({ data })
    const stale = isStale()
    page.unmount()
    vi.useRealTimers()
    return stale
  }
  expect(heard('runs', { action: 'workflow.fork' })).toBe(true)
  expect(heard('workflows', {})).toBe(true)
  expect(heard('runs', { action: 'app.deploy' })).toBe(false)
  expect(listeners.size).toBe(0)
})
