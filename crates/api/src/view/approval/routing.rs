//! What runs by itself, and what was learnt.

use serde::Serialize;
use sf_actions::rules::Rules;
use sf_control::approval::learning::{Group, Learnt};
use sf_control::approval::routing::Place;
use sf_policy::learning::Curves;
use sf_policy::rules::Difference;
use sf_store::deputies::Deputy;
use sf_store::learning::SampleRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::{Time, word};

/// The rules of a place.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingRules)]
pub struct RulesView {
    /// The project; null for the whole team.
    pub project_id: Option<Uuid>,
    /// Send it back as `from` with a change; 0 where there are no rules yet.
    pub version: u64,
    /// What is said here. What is not said is as in the place above.
    #[schema(value_type = Object)]
    pub rules: Rules,
    /// What the installation says.
    #[schema(value_type = Object)]
    pub installed: Rules,
    /// When they were changed last.
    pub updated_at: Option<Time>,
    /// By whom.
    pub updated_by: Option<Uuid>,
}

impl RulesView {
    /// The installation's, and those of a place.
    pub fn of(installed: Rules, place: Place) -> Self {
        Self {
            project_id: place.project.map(|project| project.uuid()),
            version: place.version,
            rules: place.rules,
            installed,
            updated_at: place.changed.map(|(_, at)| Time(at)),
            updated_by: place.changed.and_then(|(by, _)| by).map(|user| user.uuid()),
        }
    }
}

/// What other rules would have decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingDifference)]
pub struct DifferenceView {
    /// Decisions looked at.
    pub decisions: u64,
    /// Answered as they were.
    pub same: u64,
    /// Would have needed more of people.
    pub stricter: u64,
    /// Would have needed less.
    pub looser: u64,
    /// What became what.
    pub changes: Vec<ChangeView>,
}

/// So many answers of one kind would have been of another.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingChange)]
pub struct ChangeView {
    /// What was answered: `auto`, `autoNotify`, `ask` or `deny`.
    pub from: String,
    /// What would have been.
    pub to: String,
    /// How often.
    pub count: u64,
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        let change = |change: sf_policy::rules::Change| ChangeView {
            from: word(&change.from),
            to: word(&change.to),
            count: change.count,
        };
        Self {
            decisions: difference.decisions,
            same: difference.same,
            stricter: difference.stricter,
            looser: difference.looser,
            changes: difference.changes.into_iter().map(change).collect(),
        }
    }
}

/// What was learnt from verdicts, ends and reviews.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Learning)]
pub struct LearningView {
    /// Reliability of what was reported, and of what was made of it: `{reported, calibrated}`, each with `count`,
    /// `good`, `brier`, `reliability`, `resolution`, `uncertainty`, `error`, `errorByRank` and `bins`.
    #[schema(value_type = Object)]
    pub curves: Curves,
    /// By action and agent.
    pub groups: Vec<GroupView>,
}

/// What is known of one agent's runs of one action.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LearningGroup)]
pub struct GroupView {
    /// The action's name.
    pub action: String,
    /// The agent, by its token.
    pub agent_id: Uuid,
    /// What it is called.
    pub agent_name: Option<String>,
    /// How many were right.
    pub good: u64,
    /// How many there are.
    pub count: u64,
    /// What the next one would be worth without a report, 0-100.
    pub score: u8,
}

impl From<Learnt> for LearningView {
    fn from(learnt: Learnt) -> Self {
        let group = |Group { action, agent, good, count, score }: Group| GroupView {
            action,
            agent_id: agent.uuid(),
            agent_name: None,
            good,
            count,
            score,
        };
        Self { curves: learnt.curves, groups: learnt.groups.into_iter().map(group).collect() }
    }
}

/// One thing learnt about one run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sample)]
pub struct SampleView {
    /// Of which run.
    pub run_id: Uuid,
    /// `approved`, `rejected`, `reviewedGood`, `reviewedBad`, `rolledBack`, `failed` or `kept`.
    pub source: String,
    /// The action's name.
    pub action: String,
    /// The agent, by its token.
    pub agent_id: Uuid,
    /// What it is called.
    pub agent_name: Option<String>,
    /// How sure it said it was, 0-100.
    pub score: Option<u8>,
    /// What was made of it, 0-100.
    pub confidence: Option<u8>,
    /// Whether it was right.
    pub good: bool,
    /// When.
    pub at: Time,
}

impl From<SampleRow> for SampleView {
    fn from(row: SampleRow) -> Self {
        Self {
            run_id: row.run.uuid(),
            source: word(&row.source),
            action: row.action,
            agent_id: row.agent.uuid(),
            agent_name: None,
            score: row.score,
            confidence: row.confidence,
            good: row.good,
            at: Time(row.at),
        }
    }
}

/// Somebody who decides for somebody else for a while.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deputy)]
pub struct DeputyView {
    /// Its id.
    pub id: Uuid,
    /// Who is away.
    pub from_user_id: Uuid,
    /// Who decides instead.
    pub to_user_id: Uuid,
    /// From when.
    pub starts_at: Time,
    /// Until when.
    pub ends_at: Time,
}

impl From<Deputy> for DeputyView {
    fn from(deputy: Deputy) -> Self {
        Self {
            id: deputy.id.uuid(),
            from_user_id: deputy.from.uuid(),
            to_user_id: deputy.to.uuid(),
            starts_at: Time(deputy.starts_at),
            ends_at: Time(deputy.ends_at),
        }
    }
}
