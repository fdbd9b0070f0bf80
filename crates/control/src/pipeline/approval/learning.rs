//! What was learnt, for people to look at: the reliability of what AI agents report, and of what was made of it.

use sf_actions::{Actor, Permission};
use sf_policy::learning::{Curves, Forecast};
use sf_store::learning::{self, SampleFilter, SampleRow};
use sf_types::{Fault, Page, PageRequest, TokenId};

use crate::control::Control;

/// Samples that a curve is drawn from at the most.
pub const DRAWN: u32 = 10_000;
/// Groups listed at the most.
const MAX_GROUPS: u32 = 200;

/// What is known of one agent's runs of one action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The action's name.
    pub action: String,
    /// The agent, by its token.
    pub agent: TokenId,
    /// How many were right.
    pub good: u64,
    /// How many there are.
    pub count: u64,
    /// What the next one would be worth without a report, 0-100.
    pub score: u8,
}

/// What was learnt.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// Reported and calibrated side by side.
    pub curves: Curves,
    /// By action and agent, those with the most samples first.
    pub groups: Vec<Group>,
}

impl Control {
    /// What was learnt from the newest [`DRAWN`] samples.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn learnt(&self, actor: &Actor, filter: &SampleFilter) -> Result<Learnt, Fault> {
        let reader = self.view_team(actor, Permission::ApprovalView)?;
        let samples = learning::newest(&reader, filter, DRAWN).await?;
        let forecast = |sample: &SampleRow| {
            let estimate_permille = sample.estimate?;
            Some(Forecast { report: sample.score, estimate_permille, good: sample.good })
        };
        let forecasts: Vec<Forecast> = samples.iter().filter_map(forecast).collect();
        let mut groups = Vec::new();
        for (action, agent, good, count) in learning::groups(&reader, MAX_GROUPS).await? {
            let risk = sf_actions::Action::all_specs().find(|spec| spec.name == action).map_or(100, |spec| spec.risk);
            let levels = super::learn::levels(&reader, actor.tenant, &action, agent, None).await?;
            let score = sf_policy::learning::calibrate(None, risk, &levels, self.now()).score;
            groups.push(Group { action, agent, good, count, score });
        }
        Ok(Learnt { curves: Curves::of(&forecasts), groups })
    }

    /// Samples, newest first.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn samples(
        &self,
        actor: &Actor,
        filter: &SampleFilter,
        page: &PageRequest,
    ) -> Result<Page<SampleRow>, Fault> {
        Ok(learning::page(&self.view_team(actor, Permission::ApprovalView)?, filter, page).await?)
    }
}
