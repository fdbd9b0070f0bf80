import { useQuery } from '@tanstack/vue-query'
import { computed, ref, shallowRef, watch } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { asProblem } from '@/api/problem'
import { comparePin, repin, type Pinned } from '@/api/proof/pin'
import { prove, tampered, type Check, type Proof } from '@/api/proof/prove'

/** The signed order of a run and what this browser found when it verified it. */
export function useProof(run: () => Schemas['Run'] | null) {
  const id = computed(() => run()?.id ?? '')
  const query = useQuery({
    queryKey: computed(() => keys.command(id.value)),
    queryFn: async ({ signal }) => {
      try {
        return await data<Schemas['SignedCommand']>(api.GET('/api/v1/runs/{id}/command', { params: { path: { id: id.value } }, signal }))
      } catch (error) {
        // Carried out by the control plane itself, or never sent: there is nothing to prove.
        if (asProblem(error).status === 404) return null
        throw error
      }
    },
    enabled: computed(() => id.value !== ''),
  })
  const command = computed(() => query.data.value ?? null)
  const proof = shallowRef<Proof | null>(null)
  const pinned = shallowRef<Pinned | null>(null)
  /** The link in which one byte is changed on purpose. */
  const tamperedAt = ref<Check['link'] | null>(null)

  watch(
    [command, () => run()?.outcome ?? null, tamperedAt],
    async ([found, ended, at]) => {
      const asked = run()
      if (!found || !asked) {
        proof.value = null
        return
      }
      const outcome = ended ? { verdict: ended.verdict, facts: ended.facts, faultCode: ended.fault?.code ?? null } : null
      const claim = { runId: asked.id, nodeId: asked.nodeId ?? null, outcome }
      const result = await prove(at ? tampered(found, at) : found, claim)
      if (command.value !== found || tamperedAt.value !== at) return
      proof.value = result
      pinned.value ??= comparePin(result.checks.find(({ link }) => link === 'root')?.keyId ?? '', Date.now())
    },
    { immediate: true },
  )
  watch(id, () => ((tamperedAt.value = null), (pinned.value = null)))

  function acceptRoot(): void {
    if (!command.value) return
    repin(command.value.rootFingerprint, Date.now())
    pinned.value = comparePin(command.value.rootFingerprint, Date.now())
  }
  return { query, command, proof, pinned, tamperedAt, acceptRoot }
}
