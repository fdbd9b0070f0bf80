import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/settings'
import { note } from '@/ui/notice/notices'

/** Digits of the app may be typed in groups; recovery codes are sent as they were kept. */
export const codeOf = (typed: string): string => (/^[\d\s]+$/.test(typed) ? typed.replace(/\s/g, '') : typed.trim())

/** One's own second factor: setting it up in two steps, new recovery codes, turning it off. What is secret lives here alone. */
export function useFactors() {
  const client = useQueryClient()
  const query = useQuery({ queryKey: keys.factors, queryFn: () => data<Schemas['Factors']>(api.GET('/api/v1/auth/factors')) })
  /** To be scanned, until a code confirmed it. */
  const fresh = ref<Schemas['NewTotp'] | null>(null)
  /** To be kept, until one said so. */
  const codes = ref<string[] | null>(null)
  const again = (): void => {
    for (const queryKey of [keys.factors, keys.me]) void client.invalidateQueries({ queryKey })
  }
  const took = ({ recoveryCodes }: Schemas['RecoveryCodes']): void => {
    codes.value = recoveryCodes
    fresh.value = null
    again()
  }
  const meta = { shown: true }
  const begin = useMutation({
    meta,
    mutationFn: (password: string) => data<Schemas['NewTotp']>(api.POST('/api/v1/auth/factors/totp', { body: { password } })),
    onSuccess: (answer) => (fresh.value = answer),
  })
  const confirm = useMutation({
    meta,
    mutationFn: (code: string) => data<Schemas['RecoveryCodes']>(api.POST('/api/v1/auth/factors/totp/confirm', { body: { code: codeOf(code) } })),
    onSuccess: took,
  })
  const renew = useMutation({
    meta,
    mutationFn: (code: string) => data<Schemas['RecoveryCodes']>(api.POST('/api/v1/auth/factors/recovery-codes', { body: { code: codeOf(code) } })),
    onSuccess: took,
  })
  const remove = useMutation({
    meta,
    mutationFn: (code: string) => data(api.DELETE('/api/v1/auth/factors/totp', { body: { code: codeOf(code) } })),
    onSuccess: () => {
      note({ tone: 'good', title: text.security.isOff })
      again()
    },
  })
  return { query, fresh, codes, begin, confirm, renew, remove }
}
