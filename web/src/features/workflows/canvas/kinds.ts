import { Bot, CircleHelp, Clock, FileCode2, GitBranch, Repeat2, Search, UserRound, Workflow, Wrench, Zap } from '@lucide/vue'
import type { Component } from 'vue'
import type { Kind } from '../document/outline'

export const kindIcon: Record<Kind, Component> = {
  action: Zap,
  query: Search,
  approval: UserRound,
  wait: Clock,
  map: Repeat2,
  branch: GitBranch,
  workflow: Workflow,
  tool: Wrench,
  agent: Bot,
  script: FileCode2,
  none: CircleHelp,
}
