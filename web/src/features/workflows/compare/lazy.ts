import { defineAsyncComponent } from 'vue'
import SkeletonRows from '@/ui/list/SkeletonRows.vue'

export const CompareTab = defineAsyncComponent({ loader: () => import('./CompareTab.vue'), loadingComponent: SkeletonRows, delay: 100 })
