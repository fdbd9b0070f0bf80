import { bytes } from '@/ui/write/amount'
import type { DomainSettings } from './form'

const DEFAULT_UPLOAD = 100 * 1_024 * 1_024

/** The largest upload, as it is read. */
export const uploadWords = ({ maxBody }: DomainSettings): string => bytes(maxBody ?? DEFAULT_UPLOAD)
