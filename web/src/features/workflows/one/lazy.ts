// Tabs that few come for, and that weigh much.
import { defineAsyncComponent } from 'vue'
import SkeletonRows from '@/ui/list/SkeletonRows.vue'

export const CompareTab = defineAsyncComponent({
  loader: () => import('../compare/CompareTab.vue'),
  loadingComponent: SkeletonRows,
  delay: 100,
})
export const TriggersTab = defineAsyncComponent({ loader: () => import('./TriggersTab.vue'), loadingComponent: SkeletonRows, delay: 100 })
