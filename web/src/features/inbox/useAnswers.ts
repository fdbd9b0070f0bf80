import { ref, type Ref } from 'vue'
import { useRouter } from 'vue-router'
import { serverNow } from '@/api/clock'
import { deployApp } from '@/app/acting/appActs'
import { propose } from '@/app/acting/useAct'
import { useFleet } from '@/app/fleet'
import { pathOf, type Answer } from './card/verbs'
import { approve, aside, reject, review } from './desk/deeds'
import { act } from './desk/desk'
import type { Card } from './desk/stack'
import type { Side } from './desk/swipe'

/** What an answer does with the card that is looked at; some ask something first. */
export function useAnswers(chosen: Readonly<Ref<Card | null>>, mayDecide: Readonly<Ref<boolean>>, fling: (side: Side) => void, args: () => unknown) {
  const router = useRouter()
  const { appById } = useFleet()
  const comment = ref('')
  const snoozing = ref(false)
  const editing = ref(false)

  function answer(which: Answer): void {
    const card = chosen.value
    if (!card) return
    const isVoice = which !== 'open' && which !== 'node' && which !== 'app' && which !== 'server' && which !== 'away' && which !== 'retry' && which !== 'snooze'
    if (isVoice && !mayDecide.value) return
    const said = comment.value
    const leave = (side: Side): void => {
      comment.value = ''
      fling(side)
    }
    switch (which) {
      case 'approve':
        leave('right')
        return act(approve(card, said, serverNow))
      case 'reject':
        leave('left')
        return act(reject(card, said))
      case 'right':
      case 'wrong':
        leave(which === 'right' ? 'right' : 'left')
        return act(review(card, which === 'right', said))
      case 'away':
        leave('left')
        return act(aside(card, null, serverNow))
      case 'open':
      case 'node':
      case 'app':
      case 'server':
        return void router.push(pathOf(card))
      case 'retry': {
        const app = appById.value.get(card.appId ?? '')
        const { reference, commit } = (args() ?? {}) as { reference?: string; commit?: string }
        return app && propose(deployApp(app, { ...(reference ? { reference } : {}), ...(commit ? { commit } : {}) }))
      }
      case 'snooze':
        snoozing.value = true
        return
      case 'edit':
        editing.value = true
    }
  }

  function later(until: Date): void {
    const card = chosen.value
    if (!card) return
    fling('left')
    act(aside(card, until, serverNow))
  }
  return { answer, later, comment, snoozing, editing }
}
