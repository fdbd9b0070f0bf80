// One part of the program for all of them.
export { default as ExecutionPage } from './ExecutionPage.vue'
export { default as NewWorkflowPage } from './NewWorkflowPage.vue'
export { default as WorkflowPage } from './WorkflowPage.vue'
export { default as WorkflowsPage } from './WorkflowsPage.vue'
