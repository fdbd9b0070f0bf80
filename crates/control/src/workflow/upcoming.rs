//! When the calendars of a workflow come round next.

use sf_engine::workflow::definition::MAX_TRIGGERS;
use sf_engine::workflow::document::Trigger;
use sf_types::Timestamp;

/// Moments that are told of each schedule.
pub const MOMENTS: usize = 5;

/// A schedule of a workflow, and its next moments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upcoming {
    /// The trigger's id within the document.
    pub trigger: String,
    /// The cron line as it was written.
    pub cron: String,
    /// Its time zone by its name.
    pub timezone: String,
    /// What becomes of moments that passed while nobody was there.
    pub missed: String,
    /// At the most [`MOMENTS`] after now; fewer at the end of the calendar.
    pub moments: Vec<Timestamp>,
}

/// The schedules among what starts a workflow. One that makes no sense has no moments and is left out.
pub fn of<'a>(triggers: impl IntoIterator<Item = &'a Trigger>, now: Timestamp) -> Vec<Upcoming> {
    let schedules = triggers.into_iter().take(MAX_TRIGGERS).filter_map(|trigger| {
        let schedule = trigger.cron.as_ref()?.schedule().ok()?;
        let moments = std::iter::successors(schedule.next(now), |last| schedule.next(*last)).take(MOMENTS);
        Some(Upcoming {
            trigger: trigger.id.clone(),
            cron: schedule.cron().to_owned(),
            timezone: schedule.zone().to_owned(),
            missed: schedule.missed().to_string(),
            moments: moments.collect(),
        })
    });
    schedules.collect()
}

#[cfg(test)]
mod tests {
    use sf_engine::workflow::document::{Cron, Webhook};

    use super::*;

    #[test]
    fn moments_go_with_the_clock_of_their_zone_and_nonsense_has_none() {
        let cron = |id: &str, at: &str, zone: Option<&str>| Trigger {
            id: id.into(),
            cron: Some(Cron { at: at.into(), timezone: zone.map(str::to_owned), missed: None }),
            ..Trigger::default()
        };
        let hook = Webhook { scheme: "github".into(), secret: "KEY".into(), header: None };
        let triggers = [
            cron("night", "0 3 * * *", Some("Europe/Berlin")),
            Trigger { id: "push".into(), webhook: Some(hook), ..Trigger::default() },
            cron("never", "0 0 30 2 *", None),
            cron("moon", "@daily", Some("Moon/Crater")),
        ];
        // 2026-10-23T12:00:00Z: two nights later the clock of Berlin is set back.
        let found = of(&triggers, Timestamp::from_millis(1_792_756_800_000));
        assert_eq!(found.len(), 1, "{found:?}");
        let told: Vec<String> = found[0].moments.iter().map(ToString::to_string).collect();
        let expected = ["24T01", "25T02", "26T02", "27T02", "28T02"].map(|at| format!("2026-10-{at}:00:00.000Z"));
        assert_eq!(told, expected);
        let Upcoming { trigger, cron, timezone, missed, .. } = &found[0];
        assert_eq!(
            [trigger, cron, timezone, missed].map(String::as_str),
            ["night", "0 3 * * *", "Europe/Berlin", "once"]
        );
    }
}
