import { defineAsyncComponent } from 'vue'
import SkeletonRows from '@/ui/list/SkeletonRows.vue'

/** Drawing and reading documents takes more than the lists of workflows do: it comes when somebody looks at one. */
export const WorkflowBuilder = defineAsyncComponent({ loader: () => import('./WorkflowBuilder.vue'), loadingComponent: SkeletonRows, delay: 100 })
