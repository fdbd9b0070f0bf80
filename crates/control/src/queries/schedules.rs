//! Schedules as people see them.

use sf_actions::{Actor, Permission};
use sf_protocol::schedule::Whose;
use sf_schedule::Missed;
use sf_store::schedules::{self, Schedule, ScheduleRun};
use sf_store::{Reader, StoreError, apps, servers};
use sf_types::{Fault, Page, PageRequest, Slug, Timestamp};

use crate::control::Control;

/// Coming times that are shown.
const NEXT_SHOWN: usize = 3;

/// A schedule with how it went last and when it runs next.
#[derive(Clone, PartialEq, Debug)]
pub struct ScheduleShown {
    /// The schedule.
    pub schedule: Schedule,
    /// Its newest run.
    pub last: Option<ScheduleRun>,
    /// The next times by its clock; none while it is turned off.
    pub next: Vec<Timestamp>,
}

impl Control {
    /// The schedules of an app or a server, by name.
    ///
    /// # Errors
    /// No such app or server, no right, or the store cannot be read.
    pub async fn schedules(&self, actor: &Actor, whose: Whose) -> Result<Vec<ScheduleShown>, Fault> {
        let reader = self.view(actor, Permission::ScheduleView)?;
        there(&reader, whose).await?;
        let mut shown = Vec::new();
        for schedule in schedules::of(&reader, whose).await? {
            let last = schedules::last_run(&reader, schedule.id).await?;
            let next = coming(&schedule, self.now());
            shown.push(ScheduleShown { schedule, last, next });
        }
        Ok(shown)
    }

    /// How the last runs of a schedule went, newest first.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn schedule_runs(
        &self,
        actor: &Actor,
        whose: Whose,
        name: &Slug,
        page: &PageRequest,
    ) -> Result<Page<ScheduleRun>, Fault> {
        let reader = self.view(actor, Permission::ScheduleView)?;
        there(&reader, whose).await?;
        let schedule = schedules::named(&reader, whose, name).await?.ok_or(StoreError::NotFound("schedule"))?;
        Ok(schedules::runs(&reader, schedule.id, page).await?)
    }
}

/// Refuses what is not to be seen.
async fn there(reader: &Reader, whose: Whose) -> Result<(), StoreError> {
    match whose {
        Whose::App(app) => apps::get(reader, app).await.map(drop),
        Whose::Server(server) => servers::get(reader, server).await.map(drop),
    }
}

fn coming(schedule: &Schedule, now: Timestamp) -> Vec<Timestamp> {
    let settings = &schedule.settings.0;
    let Ok(clock) = sf_schedule::Schedule::parse(&settings.cron, &settings.timezone, Missed::Skip) else {
        return Vec::new();
    };
    let times = std::iter::successors(clock.next(now), |last| clock.next(*last));
    times.take(if settings.enabled { NEXT_SHOWN } else { 0 }).collect()
}
