//! What would happen.

use serde::Serialize;
use sf_control::{Lines, Plan};
use utoipa::ToSchema;

/// The answer to `?dryRun=true`: nothing was recorded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Planned {
    /// What would happen.
    pub plan: PlanView,
}

/// The answer to `?dryRun=true` where no action of the vocabulary is behind the route.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlannedSteps {
    /// What would happen.
    pub plan: StepsView,
}

/// What a write would do that needs no policy.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlannedSteps)]
pub struct StepsView {
    /// What would happen, one line each.
    pub steps: Vec<String>,
    /// What would be lost.
    pub losses: Vec<String>,
    /// Why it would wait.
    pub waits_for: Option<String>,
}

impl PlannedSteps {
    /// One step.
    pub fn of(step: &str) -> Self {
        Self { plan: StepsView { steps: vec![step.to_owned()], losses: Vec::new(), waits_for: None } }
    }

    /// The same, with what would be lost.
    #[must_use]
    pub fn losing(mut self, loss: impl Into<String>) -> Self {
        self.plan.losses.push(loss.into());
        self
    }
}

impl From<Lines> for StepsView {
    fn from(lines: Lines) -> Self {
        let Lines { steps, losses, waits_for } = lines;
        Self { steps, losses, waits_for }
    }
}

/// What an action would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plan)]
pub struct PlanView {
    /// The action with its arguments.
    #[schema(value_type = Object)]
    pub action: sf_actions::Action,
    /// What policy would answer, and why.
    #[schema(value_type = Object)]
    pub decision: sf_actions::Decision,
    /// What it would depend on.
    #[schema(value_type = Object)]
    pub guard: sf_protocol::Guard,
    /// What would happen, one line each.
    pub steps: Vec<String>,
    /// What would be lost.
    pub losses: Vec<String>,
    /// Why it would wait.
    pub waits_for: Option<String>,
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        let Plan { action, decision, guard, steps, losses, waits_for } = plan;
        Self { action, decision, guard, steps, losses, waits_for }
    }
}
