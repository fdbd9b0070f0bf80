import { api } from '@/api/client'
import { access } from '@/api/session'

/** Ends this session there and here; here even where nobody answers. */
export async function signOut(): Promise<void> {
  try {
    await api.POST('/api/v1/auth/logout', { body: {} })
  } finally {
    access.signedOut()
  }
}
