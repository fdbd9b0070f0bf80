//! One person's stack of what needs them.

use serde::Serialize;
use sf_control::approval::alerts::{Alert, Thing, Trouble};
use sf_control::approval::inbox::{Card, Counts, Deciding, Details, Similar, is_dangerous};
use sf_engine::Run;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ApprovalView;
use crate::view::plan::StepsView;
use crate::view::run::{ActorView, RunView};
use crate::view::{FaultView, Time, word};

/// A card of the stack.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InboxCard)]
pub struct CardView {
    /// Its id: of the approval, the run, the node or the app.
    pub id: Uuid,
    /// `approval`, `failed`, `review` or `alert`.
    pub kind: String,
    /// The action's name: `app.deploy`; `node.silent`, `node.locked`, `node.diskFull`, `app.down`,
    /// `schedule.failing` or `server.crossed` for alerts.
    pub action: String,
    /// For people: "Deploy an app".
    pub title: String,
    /// What it is about: the app, the workflow or the machine.
    pub about: Option<String>,
    /// The run it is about.
    pub run_id: Option<Uuid>,
    /// The app.
    pub app_id: Option<Uuid>,
    /// The server of the panel.
    pub server_id: Option<Uuid>,
    /// The machine.
    pub node_id: Option<Uuid>,
    /// Who proposed it.
    pub proposer: Option<ActorView>,
    /// Why it came here, for people.
    pub because: String,
    /// Calibrated confidence, 0-100, where it played a part.
    pub confidence: Option<u8>,
    /// Something is lost by it, or who may do what changes: it is decided by itself, never with others.
    pub dangerous: bool,
    /// It waits for long.
    pub pressing: bool,
    /// What a decision is bound to: send it back with the decision.
    pub hash: Option<String>,
    /// So many have to agree; so many have.
    pub quorum: Option<QuorumView>,
    /// Why it failed.
    pub fault: Option<FaultView>,
    /// Since when it is here.
    pub at: Time,
    /// Until when it can be decided.
    pub expires_at: Option<Time>,
}

/// How many voices a card needs.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Quorum)]
pub struct QuorumView {
    /// So many have to agree.
    pub needed: u8,
    /// So many have.
    pub given: usize,
}

/// How many cards there are, up to 1,000 of each.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InboxCounts)]
pub struct CountsView {
    /// To decide.
    pub approvals: u64,
    /// Broken.
    pub failed: u64,
    /// To look back at.
    pub reviews: u64,
    /// Machines and apps in trouble.
    pub alerts: u64,
    /// All of them.
    pub total: u64,
}

/// A card with everything that helps to decide.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InboxDetails)]
pub struct DetailsView {
    /// The card.
    pub card: CardView,
    /// The approval, with what would change.
    pub approval: Option<ApprovalView>,
    /// The run with every input of its policy decision.
    pub run: Option<RunView>,
    /// Runs like it, newest first.
    pub similar: Vec<SimilarView>,
    /// Who else may decide.
    pub deciders: Vec<DeciderView>,
    /// Voices so far.
    pub votes: Vec<VoteView>,
    /// Why your own voice would not count; null where it would.
    pub not_you: Option<String>,
    /// Until when a decision is held and can be taken back.
    pub held_until: Option<Time>,
    /// You have put it aside.
    pub aside: bool,
    /// What it would do, the lines of its dry run; null where nobody decides about it, or it has begun.
    pub plan: Option<StepsView>,
}

/// A past run like the one on a card.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SimilarRun)]
pub struct SimilarView {
    /// The run.
    pub run_id: Uuid,
    /// `auto`, `autoNotify`, `ask` or `deny`.
    pub admission: String,
    /// Its confidence.
    pub confidence: Option<u8>,
    /// How it ended.
    pub done: Option<String>,
    /// What a person said.
    pub decision: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// When it was proposed.
    pub at: Time,
}

/// Somebody who may decide.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decider)]
pub struct DeciderView {
    /// Who.
    pub user_id: Uuid,
    /// What they are called.
    pub name: String,
}

/// A voice.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Vote)]
pub struct VoteView {
    /// Whose.
    pub voice: Option<String>,
    /// Who gave it, where it was a deputy.
    pub deputy: Option<String>,
    /// `approved` or `rejected`.
    pub verdict: String,
    /// Why.
    pub comment: Option<String>,
    /// When.
    pub at: Time,
}

impl CardView {
    /// A card; `about` is what that is called.
    pub fn of(card: &Card, about: Option<String>, proposer: Option<ActorView>) -> Self {
        match card {
            Card::Decide(deciding) => Self::deciding(deciding, about, proposer),
            Card::Failed(run) => Self::run("failed", run, about, proposer),
            Card::Review(run) => Self::run("review", run, about, proposer),
            Card::Alert(alert) => Self::alert(alert),
        }
    }

    fn deciding(card: &Deciding, about: Option<String>, proposer: Option<ActorView>) -> Self {
        let approval = &card.approval;
        let shown = ApprovalView::from(approval.clone());
        let quorum =
            approval.terms.as_ref().map(|terms| QuorumView { needed: terms.0.quorum, given: card.votes.len() });
        let base = card.run.as_ref().map(|run| Self::run("approval", run, about, proposer));
        let title = match (&approval.step, &base) {
            (Some(step), _) => format!("Step `{step}` asks"),
            (None, Some(run)) => run.title.clone(),
            (None, None) => shown.action.clone(),
        };
        Self {
            id: approval.id.uuid(),
            kind: "approval".to_owned(),
            action: shown.action,
            title,
            about: base.as_ref().and_then(|run| run.about.clone()),
            run_id: Some(shown.run_id),
            app_id: base.as_ref().and_then(|run| run.app_id),
            server_id: base.as_ref().and_then(|run| run.server_id),
            node_id: base.as_ref().and_then(|run| run.node_id),
            proposer: base.as_ref().and_then(|run| run.proposer.clone()),
            because: shown.because,
            confidence: base.as_ref().and_then(|run| run.confidence).filter(|_| approval.step.is_none()),
            dangerous: approval.step.is_none() && base.as_ref().is_none_or(|run| run.dangerous),
            pressing: approval.escalated_at.is_some(),
            hash: Some(shown.hash),
            quorum: quorum.filter(|quorum| quorum.needed > 1),
            fault: None,
            at: shown.opened_at,
            expires_at: Some(shown.expires_at),
        }
    }

    fn run(kind: &str, run: &Run, about: Option<String>, proposer: Option<ActorView>) -> Self {
        let spec = run.action.spec();
        Self {
            id: run.id.uuid(),
            kind: kind.to_owned(),
            action: spec.name.to_owned(),
            title: spec.title.to_owned(),
            about,
            run_id: Some(run.id.uuid()),
            app_id: run.app.map(|app| app.uuid()),
            server_id: run.server.map(|server| server.uuid()),
            node_id: run.node.map(|node| node.uuid()),
            proposer,
            because: run.decision.because.clone(),
            confidence: run.decision.confidence,
            dangerous: is_dangerous(run),
            pressing: false,
            hash: None,
            quorum: None,
            fault: run.fault.clone().map(FaultView::from),
            at: Time(run.closed_at.unwrap_or(run.opened_at)),
            expires_at: None,
        }
    }

    fn alert(alert: &Alert) -> Self {
        let (about, app, server_id, node_id) = match &alert.thing {
            Thing::Node(node) => (node.name.clone(), None, None, node.id),
            Thing::App(app) => (app.name.to_string(), Some(app.id), None, app.node),
            Thing::Server(crossed) => (crossed.server_name.to_string(), None, Some(crossed.server), crossed.node),
            Thing::Schedule(of) => (format!("{} of {}", of.0.name, of.1.name), of.0.app, of.0.server, of.0.node),
        };
        let action = match alert.trouble {
            Trouble::Locked => "node.locked",
            Trouble::Silent => "node.silent",
            Trouble::DiskFull => "node.diskFull",
            Trouble::Down => "app.down",
            Trouble::Schedule => "schedule.failing",
            Trouble::Crossed => "server.crossed",
        };
        Self {
            id: alert.id(),
            kind: "alert".to_owned(),
            action: action.to_owned(),
            title: alert.trouble.title().to_owned(),
            about: Some(about),
            run_id: None,
            app_id: app.map(|app| app.uuid()),
            server_id: server_id.map(|server| server.uuid()),
            node_id: Some(node_id.uuid()),
            proposer: None,
            because: alert.because.clone(),
            confidence: None,
            dangerous: false,
            pressing: alert.trouble == Trouble::Locked,
            hash: None,
            quorum: None,
            fault: None,
            at: Time(alert.since()),
            expires_at: None,
        }
    }
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        let Counts { approvals, failed, reviews, alerts } = counts;
        Self { approvals, failed, reviews, alerts, total: approvals + failed + reviews + alerts }
    }
}

impl DetailsView {
    /// A card's details, with its card and run as they are shown.
    pub fn of(details: Details, card: CardView, run: Option<RunView>) -> Self {
        let Details { card: of, similar, deciders, names, aside, plan } = details;
        let name = |user| names.get(&user).cloned();
        let (approval, votes, not_you, held) = match of {
            Card::Decide(deciding) => {
                let Deciding { approval, votes, not_you, run } = *deciding;
                let held = approval.held_until.or_else(|| run.and_then(|run| run.held_until));
                (Some(ApprovalView::from(approval)), votes, not_you, held)
            }
            _ => (None, Vec::new(), None, None),
        };
        let vote = |vote: sf_store::votes::Vote| VoteView {
            voice: name(vote.voice),
            deputy: (vote.by != vote.voice).then(|| name(vote.by)).flatten(),
            verdict: vote.verdict.word().to_owned(),
            comment: vote.comment,
            at: Time(vote.at),
        };
        Self {
            card,
            approval,
            run,
            similar: similar.into_iter().map(SimilarView::from).collect(),
            deciders: deciders
                .into_iter()
                .map(|user| DeciderView { user_id: user.id.uuid(), name: user.name })
                .collect(),
            votes: votes.into_iter().map(vote).collect(),
            not_you,
            held_until: held.map(Time),
            aside,
            plan: plan.map(StepsView::from),
        }
    }
}

impl From<Similar> for SimilarView {
    fn from(similar: Similar) -> Self {
        let (decision, comment) = similar.decision.map_or((None, None), |(verdict, comment)| (Some(verdict), comment));
        let run = similar.run;
        Self {
            run_id: run.id.uuid(),
            admission: word(&run.decision.admission),
            confidence: run.decision.confidence,
            done: run.state.words().1.map(str::to_owned),
            decision: decision.map(|verdict| verdict.word().to_owned()),
            comment,
            at: Time(run.opened_at),
        }
    }
}
