import { defineAsyncComponent } from 'vue'
import SkeletonRows from '@/ui/list/SkeletonRows.vue'

/** Drawing takes more than a list of steps does: it comes when somebody looks at it. */
export const RunGraph = defineAsyncComponent({ loader: () => import('./RunGraph.vue'), loadingComponent: SkeletonRows, delay: 100 })
