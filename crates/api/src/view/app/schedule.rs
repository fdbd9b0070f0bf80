//! Schedules.

use serde::Serialize;
use sf_control::queries::schedules::ScheduleShown;
use sf_protocol::schedule::{RunReason, ScheduleSettings as Settings};
use sf_store::schedules::ScheduleRun;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;

/// What a node does for an app or a server by the clock.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule)]
pub struct ScheduleView {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within the app or server.
    pub name: String,
    /// The app whose command it runs; null where it is a server's.
    pub app_id: Option<Uuid>,
    /// The server that its steps are done to; null where it is an app's.
    pub server_id: Option<Uuid>,
    /// On which machine.
    pub node_id: Uuid,
    /// How it shall be.
    #[schema(value_type = ScheduleSettings)]
    pub settings: Settings,
    /// Whether its node has it as it shall be; false while an order is under way or after one that failed.
    pub in_step: bool,
    /// `pending`, `standing` or `failed`.
    pub state: String,
    /// Why the last order failed; null where it did not.
    pub reason: Option<String>,
    /// Since when its runs go wrong; null once one has succeeded again.
    pub troubled_at: Option<Time>,
    /// Its newest run; null before the first.
    pub last: Option<ScheduleRunView>,
    /// The next three times by its clock; empty while it is turned off.
    pub next: Vec<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// When a schedule runs, what, and within which bounds. An app's has a command, a server's has steps.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleSettings {
    /// Five fields of cron, or `@daily` and the like.
    pub cron: String,
    /// A name of the IANA database; UTC where absent.
    pub timezone: Option<String>,
    /// Of an app: program and arguments; never a line for a shell.
    pub command: Option<Vec<String>>,
    /// Of a server: 1 to 20 steps, done one after another.
    pub steps: Option<Vec<ChainStep>>,
    /// Of a server: whether times at which it does not run are left out; false where absent.
    pub only_when_online: Option<bool>,
    /// Milliseconds that one run gets beside the delays of its steps, up to 24 h; 600,000 where absent.
    pub time_limit: Option<u64>,
    /// When its last run is still under way: `skip` leaves the time out, `queue` waits, one at the most.
    pub overlap: Option<String>,
    /// Times that passed while the node was off: `skip` leaves them out, `once` makes up for them by one run.
    pub missed: Option<String>,
    /// Whether it runs by the clock; true where absent.
    pub enabled: Option<bool>,
}

/// One step of a server's schedule: either a command or a change of its power.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChainStep {
    /// Milliseconds waited before it, up to 900,000; 0 where absent.
    pub delay: Option<u64>,
    /// Whether the chain goes on where it fails; false where absent.
    pub continue_on_failure: Option<bool>,
    /// A line written to the server's console.
    pub command: Option<String>,
    /// `start`, `stop`, `restart` or `kill`.
    pub power: Option<String>,
}

/// One run of a schedule.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduleRun)]
pub struct ScheduleRunView {
    /// Its id.
    pub id: Uuid,
    /// `running`, `succeeded`, `failed`, `timedOut`, `interrupted`, `skipped`, `missed` or `stopped`.
    pub state: String,
    /// What started it: `clock` or `hand`.
    pub why: String,
    /// When it was due.
    pub due_at: Time,
    /// When it was started; null where it was not.
    pub started_at: Option<Time>,
    /// When it ended; null while it is under way.
    pub ended_at: Option<Time>,
    /// Milliseconds it took; null where it did not run to its end.
    pub took_ms: Option<u64>,
    /// What its command ended with, where it ended by itself.
    pub exit_code: Option<i32>,
    /// In words; empty where there is nothing to say.
    pub note: String,
    /// The last lines it said, at most 20; of a server what each step did.
    pub last_lines: Vec<String>,
}

impl From<ScheduleShown> for ScheduleView {
    fn from(shown: ScheduleShown) -> Self {
        let ScheduleShown { schedule, last, next } = shown;
        let in_step = schedule.standing.as_ref().is_some_and(|standing| standing.0.generation == schedule.generation);
        Self {
            id: schedule.id.uuid(),
            name: schedule.name.to_string(),
            app_id: schedule.app.map(|app| app.uuid()),
            server_id: schedule.server.map(|server| server.uuid()),
            node_id: schedule.node.uuid(),
            settings: schedule.settings.0,
            in_step,
            state: schedule.state.word().to_owned(),
            reason: schedule.reason,
            troubled_at: schedule.troubled_at.map(Time),
            last: last.map(ScheduleRunView::from),
            next: next.into_iter().map(Time).collect(),
            created_at: Time(schedule.created_at),
            updated_at: Time(schedule.updated_at),
        }
    }
}

impl From<ScheduleRun> for ScheduleRunView {
    fn from(run: ScheduleRun) -> Self {
        let report = run.report.0;
        let took = report.started_at.zip(report.ended_at).map(|(from, to)| to.since(from));
        Self {
            id: run.id.uuid(),
            state: run.state,
            why: match report.why {
                RunReason::Clock => "clock",
                RunReason::Hand => "hand",
            }
            .to_owned(),
            due_at: Time(report.due),
            started_at: report.started_at.map(Time),
            ended_at: report.ended_at.map(Time),
            took_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            exit_code: report.exit_code,
            note: report.note,
            last_lines: report.last_lines,
        }
    }
}
