//! What the rules of the places above and of a place itself come to.

mod replay;

pub use replay::{Change, Difference, Past, again, replay};

use std::time::Duration;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use sf_actions::admission::Inputs;
use sf_actions::rules::{ApprovalRule, Freeze, Pattern, Rules, Terms, Week, When, any_fits, minute_of};
use sf_types::Timestamp;

/// What holds at one place: that of the installation, its team, its project, each narrowing or replacing the one
/// before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Routing {
    /// From here on it runs at once, 0-100.
    pub auto_at: u8,
    /// From here on it runs and people are told, 0-100.
    pub notify_at: u8,
    /// Looked back at, of a thousand.
    pub sample_permille: u16,
    never_auto: Vec<Pattern>,
    waived: Vec<Pattern>,
    freezes: Vec<Freeze>,
    budgets: Vec<Limit>,
    approvals: Vec<ApprovalRule>,
}

/// How much one principal may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Of which actions; of all where it is empty.
    pub actions: Vec<Pattern>,
    /// So many runs.
    pub runs: u32,
    /// In this time.
    pub window: Duration,
    /// It holds for people, too.
    pub people: bool,
}

impl Routing {
    /// What the installation says.
    pub fn base(rules: &Rules) -> Self {
        let nothing = Self {
            auto_at: 90,
            notify_at: 70,
            sample_permille: 30,
            never_auto: Vec::new(),
            waived: Vec::new(),
            freezes: Vec::new(),
            budgets: Vec::new(),
            approvals: Vec::new(),
        };
        nothing.within(rules)
    }

    /// What holds further inside. Thresholds replace those of outside, what holds back is added to it, and waivers hold
    /// for exactly the place that gives them.
    #[must_use]
    pub fn within(mut self, rules: &Rules) -> Self {
        self.auto_at = rules.auto_at.unwrap_or(self.auto_at);
        // A lower gate for automatic runs never lies below the one for telling.
        self.notify_at = rules.notify_at.unwrap_or(self.notify_at).min(self.auto_at);
        self.sample_permille = rules.sample_permille.unwrap_or(self.sample_permille);
        self.never_auto.extend_from_slice(&rules.never_auto);
        self.waived.clone_from(&rules.waived);
        self.freezes.extend_from_slice(&rules.freezes);
        self.approvals.extend_from_slice(&rules.approvals);
        self.budgets.extend(rules.budgets.iter().map(|budget| Limit {
            actions: budget.actions.clone(),
            runs: budget.runs,
            window: Duration::from_secs(u64::from(budget.minutes) * 60),
            people: budget.people,
        }));
        self
    }

    /// Whether an AI never does this by itself.
    pub fn never_auto(&self, action: &str) -> bool {
        any_fits(&self.never_auto, action)
    }

    /// Whether an AI need not ask for this because something is lost by it.
    pub fn is_waived(&self, action: &str) -> bool {
        any_fits(&self.waived, action)
    }

    /// The name of a freeze that holds this back now.
    pub fn frozen(&self, action: &str, now: Timestamp) -> Option<&str> {
        let holds = |freeze: &&Freeze| {
            (freeze.actions.is_empty() || any_fits(&freeze.actions, action)) && is_in(&freeze.when, now)
        };
        self.freezes.iter().find(holds).map(|freeze| freeze.name.as_str())
    }

    /// The same inputs under these rules: everything else stays what it was. `at` is when it was proposed.
    pub fn apply(&self, inputs: &Inputs, at: Timestamp) -> Inputs {
        let frozen = self.frozen(&inputs.action, at).filter(|_| !inputs.passes_freeze);
        Inputs {
            auto_at: self.auto_at,
            notify_at: self.notify_at,
            never_auto: inputs.opens_gates || self.never_auto(&inputs.action),
            waived: self.is_waived(&inputs.action),
            frozen: frozen.is_some(),
            frozen_by: frozen.map(str::to_owned),
            sample_permille: self.sample_permille,
            ..inputs.clone()
        }
    }

    /// The limits that hold for this.
    pub fn limits(&self, action: &str, of_person: bool) -> impl Iterator<Item = &Limit> {
        self.budgets.iter().filter(move |limit| {
            (limit.people || !of_person) && (limit.actions.is_empty() || any_fits(&limit.actions, action))
        })
    }

    /// Who decides about this, how long it waits and when it is pressing: the strictest of all rules that fit. The
    /// innermost rule that names people says who.
    pub fn terms(&self, action: &str) -> (Terms, Option<Duration>, Option<Duration>) {
        let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
        let (mut terms, mut expires, mut escalates) = (Terms::default(), None::<Duration>, None::<Duration>);
        for rule in self.approvals.iter().filter(|rule| any_fits(&rule.actions, action)) {
            terms.quorum = terms.quorum.max(rule.quorum);
            terms.four_eyes |= rule.four_eyes;
            if !rule.approvers.is_empty() {
                terms.approvers.clone_from(&rule.approvers);
            }
            if !rule.escalate_to.is_empty() {
                terms.escalate_to.clone_from(&rule.escalate_to);
            }
            let shorter = |so_far: Option<Duration>, wanted: Option<u32>| {
                [so_far, wanted.map(minutes)].into_iter().flatten().min()
            };
            expires = shorter(expires, rule.expires_minutes);
            escalates = shorter(escalates, rule.escalate_minutes);
        }
        (terms, expires, escalates)
    }
}

/// The first time zone of these rules that nobody knows.
pub fn unknown_zone(rules: &Rules) -> Option<&str> {
    rules.freezes.iter().find_map(|freeze| match &freeze.when {
        When::Weekly(Week { timezone, .. }) if zone(timezone).is_none() => Some(timezone.as_str()),
        _ => None,
    })
}

fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// Whether a moment is within.
fn is_in(when: &When, now: Timestamp) -> bool {
    match when {
        When::Now => true,
        When::Between { from, until } => (from.0..until.0).contains(&now),
        // What cannot be understood holds back.
        When::Weekly(week) => is_in_week(week, now).unwrap_or(true),
    }
}

fn is_in_week(week: &Week, now: Timestamp) -> Option<bool> {
    const WEEK: i64 = 7 * 24 * 60;
    let moment = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
    let there = zone(&week.timezone)?.to_datetime(moment);
    let day = i64::from(there.date().weekday().to_monday_one_offset());
    let minute = (day - 1) * 24 * 60 + i64::from(there.hour()) * 60 + i64::from(there.minute());
    let from = i64::from(minute_of(&week.from)?);
    Some(week.days.iter().any(|day| {
        let begins = (i64::from(*day) - 1) * 24 * 60 + from;
        (minute - begins).rem_euclid(WEEK) < i64::from(week.minutes)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::rules::Moment;
    use sf_types::{TypedId, UserId};

    fn pattern(text: &str) -> Vec<Pattern> {
        vec![Pattern(text.to_owned())]
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn frozen(when: When) -> Routing {
        let freeze = Freeze { name: "quiet".into(), actions: pattern("app.*"), when };
        Routing::base(&Rules { freezes: vec![freeze], ..Rules::default() })
    }

    #[test]
    fn a_week_on_the_wall_clock() {
        // From Friday 18:00 in Berlin for 62 hours: to Monday 08:00.
        let weekly = |days: &[u8], from: &str, minutes, timezone: &str| {
            let (days, from, timezone) = (days.to_vec(), from.to_owned(), timezone.to_owned());
            frozen(When::Weekly(Week { days, from, minutes, timezone }))
        };
        let weekend = weekly(&[5], "18:00", 62 * 60, "Europe/Berlin");
        for (moment, expected) in [
            ("2026-11-27T16:59:59Z", false),
            ("2026-11-27T17:00:00Z", true),
            ("2026-11-29T12:00:00Z", true),
            ("2026-11-30T06:59:59Z", true),
            ("2026-11-30T07:00:00Z", false),
            // In summer the wall clock is another hour ahead.
            ("2026-07-03T16:00:00Z", true),
            ("2026-07-03T15:59:00Z", false),
        ] {
            assert_eq!(weekend.frozen("app.restart", at(moment)).is_some(), expected, "{moment}");
            assert_eq!(weekend.frozen("node.rename", at(moment)), None);
        }
        // Over the end of the week.
        let sunday = weekly(&[7], "23:00", 120, "UTC");
        assert!(sunday.frozen("app.stop", at("2026-11-30T00:30:00Z")).is_some());
        assert!(sunday.frozen("app.stop", at("2026-11-30T01:00:00Z")).is_none());
        let nowhere = weekly(&[1], "00:00", 1, "Mars");
        assert!(nowhere.frozen("app.stop", at("2026-11-27T12:00:00Z")).is_some(), "what nobody understands holds back");
    }

    #[test]
    fn between_two_moments_and_until_it_is_taken_away() {
        let between = frozen(When::Between {
            from: Moment(at("2026-12-24T00:00:00Z")),
            until: Moment(at("2026-12-27T00:00:00Z")),
        });
        assert!(between.frozen("app.stop", at("2026-12-24T00:00:00Z")).is_some());
        assert!(between.frozen("app.stop", at("2026-12-27T00:00:00Z")).is_none());
        assert_eq!(frozen(When::Now).frozen("app.stop", at("2026-12-27T00:00:00Z")), Some("quiet"));
    }

    #[test]
    fn inside_is_stricter_or_other_and_never_forgets_what_holds_back() {
        let team = Rules { auto_at: Some(95), never_auto: pattern("app.delete"), ..Rules::default() };
        let project =
            Rules { auto_at: Some(60), notify_at: Some(50), never_auto: pattern("node.*"), ..Rules::default() };
        let routing = Routing::base(&Rules::default()).within(&team).within(&project);
        assert_eq!((routing.auto_at, routing.notify_at, routing.sample_permille), (60, 50, 30));
        assert!(
            routing.never_auto("app.delete") && routing.never_auto("node.remove") && !routing.never_auto("app.stop")
        );
        let lower = Routing::base(&Rules { auto_at: Some(40), ..Rules::default() });
        assert_eq!((lower.auto_at, lower.notify_at), (40, 40), "telling never asks for more than running");
    }

    #[test]
    fn the_strictest_of_all_rules_that_fit() {
        let user = |n| UserId::from_parts(Timestamp::from_millis(1), [n; 10]);
        let rule = |actions: &str, quorum, approvers: Vec<UserId>| ApprovalRule {
            actions: pattern(actions),
            quorum,
            approvers,
            four_eyes: actions == "*",
            expires_minutes: Some(u32::from(quorum) * 60),
            escalate_minutes: None,
            escalate_to: Vec::new(),
        };
        let rules = |approvals| Rules { approvals, ..Rules::default() };
        let routing = Routing::base(&rules(vec![rule("*", 1, vec![user(1)])]))
            .within(&rules(vec![rule("app.*", 2, vec![user(2), user(3)]), rule("node.*", 5, Vec::new())]));
        let (terms, expires, escalates) = routing.terms("app.deploy");
        assert_eq!((terms.quorum, terms.four_eyes), (2, true));
        assert_eq!(terms.approvers, [user(2), user(3)]);
        assert_eq!((expires, escalates), (Some(Duration::from_secs(3600)), None));
        assert_eq!(routing.terms("workflow.run").0.approvers, [user(1)]);
    }

    #[test]
    fn limits_hold_for_ai_agents_and_for_people_where_they_say_so() {
        let budget = |actions, people| sf_actions::rules::Budget { actions, runs: 5, minutes: 60, people };
        let budgets = vec![budget(pattern("app.deploy"), false), budget(Vec::new(), true)];
        let routing = Routing::base(&Rules { budgets, ..Rules::default() });
        assert_eq!(routing.limits("app.deploy", false).count(), 2);
        assert_eq!(routing.limits("app.deploy", true).count(), 1);
        assert_eq!(routing.limits("app.stop", false).count(), 1);
    }
}
