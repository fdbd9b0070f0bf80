// @vitest-environment jsdom
import { mount } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { defineComponent, h, nextTick, ref } from 'vue'
import HintTip from './HintTip.vue'

it('shows what changes inside it, also what a list handed in', async () => {
  const words = ref(['before'])
  const Page = defineComponent({
    setup: () => () =>
      words.value.map((word, at) => h(HintTip, { key: at, text: 'a hint' }, { default: () => h('span', { class: word }, word) })),
  })
  const page = mount(Page)
  expect(page.find('span.before').exists()).toBe(true)
  words.value = ['after']
  await nextTick()
  expect(page.find('span.after').exists()).toBe(true)
})
