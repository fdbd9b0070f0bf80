// One name for the router, so that the first page need not carry what each of them takes.
export const ExecutionPage = () => import('./ExecutionPage.vue').then((page) => page.default)
export const NewWorkflowPage = () => import('./NewWorkflowPage.vue').then((page) => page.default)
export const WorkflowPage = () => import('./WorkflowPage.vue').then((page) => page.default)
export const WorkflowsPage = () => import('./WorkflowsPage.vue').then((page) => page.default)
