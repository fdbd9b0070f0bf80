import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/nodes'
import { note } from '@/ui/notice/notices'

type Device = Schemas['PendingDevice']
/** No event tells of a machine that begins to wait. */
const AGAIN_MS = 3_000

/** Machines that show a code and wait for a person. */
export function useDeviceCodes() {
  const client = useQueryClient()
  const waiting = useQuery({
    queryKey: keys.devices,
    queryFn: ({ signal }) => data<Device[]>(api.GET('/api/v1/device-codes', { signal })),
    refetchInterval: AGAIN_MS,
  })
  const deny = useMutation({
    mutationFn: (device: Device) => data(api.POST('/api/v1/device-codes/deny', { body: { id: device.id } })),
    onMutate: async (device) => {
      await client.cancelQueries({ queryKey: keys.devices })
      const before = client.getQueryData<Device[]>(keys.devices)
      client.setQueryData<Device[]>(keys.devices, (seen) => seen?.filter(({ id }) => id !== device.id))
      return before
    },
    onError: (_error, _device, before) => client.setQueryData(keys.devices, before),
    onSuccess: (_answer, device) => note({ tone: 'info', title: text.denied(device.host) }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.devices }),
  })
  return { waiting, deny }
}
