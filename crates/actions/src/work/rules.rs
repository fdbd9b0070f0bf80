//! Rules of routing: what of a place's proposals runs by itself, and who decides about the rest. What a place does not
//! say is as in the place above: a project is inside its team, a team inside the installation.

mod when;

use serde::{Deserialize, Serialize};
use sf_types::UserId;

pub use when::{Moment, Week, When};

use crate::valid::Refused;

/// Patterns in one list at the most.
pub const MAX_PATTERNS: usize = 200;
/// Freezes, budgets or approval rules of one place at the most.
pub const MAX_RULES: usize = 50;
/// People in one list at the most.
pub const MAX_PEOPLE: usize = 50;
/// Characters of a rule's name at the most.
pub const MAX_NAME: usize = 100;
/// Persons that can have to agree at the most.
pub const MAX_QUORUM: u8 = 10;
/// The longest time a card waits: 30 days, in minutes.
pub const MAX_WAIT_MINUTES: u32 = 30 * 24 * 60;
/// The longest window in which a budget counts: 31 days, in minutes.
pub const MAX_BUDGET_MINUTES: u32 = 31 * 24 * 60;

/// The rules of one place.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rules {
    /// Calibrated confidence from which an AI's action runs at once, 0-100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_at: Option<u8>,
    /// Calibrated confidence from which it runs and people are told, 0-100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_at: Option<u8>,
    /// Automatic runs of AIs that are looked back at, of a thousand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_permille: Option<u16>,
    /// Actions that never run without a person when an AI proposes them; those of the places above hold, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never_auto: Vec<Pattern>,
    /// Actions by which something is lost, and for which an AI need not ask here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<Pattern>,
    /// Times in which changes are held back; those of the places above hold, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// How much one principal may do; those of the places above hold, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// Who decides about what waits; the strictest of all that fit holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
}

/// Actions: one by its name (`app.deploy`), a family (`app.*`), or all (`*`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether it means this action.
    pub fn fits(&self, action: &str) -> bool {
        let family = || {
            self.0.strip_suffix(".*").is_some_and(|family| action.split_once('.').is_some_and(|(of, _)| of == family))
        };
        self.0 == "*" || self.0 == action || family()
    }

    fn means_something(&self) -> bool {
        crate::Action::all_specs().any(|spec| self.fits(spec.name))
    }
}

/// Whether one of them means this action.
pub fn any_fits(patterns: &[Pattern], action: &str) -> bool {
    patterns.iter().any(|pattern| pattern.fits(action))
}

/// A time in which changes are held back: an AI's are refused, a person's need a second person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    /// What it is for: "no deploys on weekends".
    pub name: String,
    /// What is held back; everything where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Pattern>,
    /// When.
    pub when: When,
}

/// How much one principal may do in a while; beyond that a person decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// Of which actions; of all where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Pattern>,
    /// So many runs.
    pub runs: u32,
    /// Within so many minutes.
    pub minutes: u32,
    /// It also holds for people; for AI agents alone otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub people: bool,
}

/// Who decides about actions that wait, and how long they wait.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRule {
    /// About which actions.
    pub actions: Vec<Pattern>,
    /// So many persons have to agree.
    #[serde(default = "one")]
    pub quorum: u8,
    /// Only these may decide, of those who may decide at all; everybody who may where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<UserId>,
    /// Whoever the proposer acts for does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub four_eyes: bool,
    /// After so many minutes nobody can decide any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_minutes: Option<u32>,
    /// After so many minutes it is pressing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_minutes: Option<u32>,
    /// Who may decide besides the approvers once it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate_to: Vec<UserId>,
}

const fn one() -> u8 {
    1
}

/// What holds for one card: kept with it when it is put before people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    /// So many persons have to agree.
    pub quorum: u8,
    /// Only these may decide; everybody who may decide at all where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<UserId>,
    /// These, too, once it is pressing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate_to: Vec<UserId>,
    /// Whoever the proposer acts for does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub four_eyes: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self { quorum: 1, approvers: Vec::new(), escalate_to: Vec::new(), four_eyes: false }
    }
}

impl Rules {
    /// Refuses values out of range, unknown actions, and more than there is room for. Time zones are looked at by who
    /// knows them.
    ///
    /// # Errors
    /// [`Refused`] with the field.
    pub fn check(&self) -> Result<(), Refused> {
        let (auto, notify) = (self.auto_at.unwrap_or(100), self.notify_at.unwrap_or(0));
        refuse(auto > 100 || self.auto_at.is_some() && notify > auto, "autoAt", "0 to 100, and not below `notifyAt`")?;
        refuse(notify > 100, "notifyAt", "0 to 100")?;
        refuse(self.sample_permille.is_some_and(|permille| permille > 1_000), "samplePermille", "0 to 1000")?;
        patterns(&self.never_auto, "neverAuto")?;
        patterns(&self.waived, "waived")?;
        let many = self.freezes.len().max(self.budgets.len()).max(self.approvals.len());
        refuse(many > MAX_RULES, "rules", "at most 50 of each kind")?;
        self.freezes.iter().try_for_each(Freeze::check)?;
        for budget in &self.budgets {
            patterns(&budget.actions, "budgets.actions")?;
            refuse(!(1..=MAX_BUDGET_MINUTES).contains(&budget.minutes), "budgets.minutes", "1 minute to 31 days")?;
        }
        self.approvals.iter().try_for_each(ApprovalRule::check)
    }
}

impl Freeze {
    fn check(&self) -> Result<(), Refused> {
        let letters = self.name.chars().count();
        refuse(self.name.trim().is_empty() || letters > MAX_NAME, "freezes.name", "1 to 100 characters")?;
        patterns(&self.actions, "freezes.actions")?;
        self.when.check()
    }
}

/// Minutes since midnight of `HH:MM`.
pub fn minute_of(time: &str) -> Option<u16> {
    let (hour, minute) = time.split_once(':')?;
    let part = |text: &str, below: u16| match text.len() {
        2 if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse::<u16>().ok().filter(|number| *number < below)
        }
        _ => None,
    };
    Some(part(hour, 24)? * 60 + part(minute, 60)?)
}

impl ApprovalRule {
    fn check(&self) -> Result<(), Refused> {
        refuse(self.actions.is_empty(), "approvals.actions", "at least one action")?;
        patterns(&self.actions, "approvals.actions")?;
        refuse(!(1..=MAX_QUORUM).contains(&self.quorum), "approvals.quorum", "1 to 10")?;
        let (few, more) = (self.approvers.len(), self.escalate_to.len());
        refuse(few > MAX_PEOPLE || more > MAX_PEOPLE, "approvals.approvers", "at most 50 people")?;
        let never = few > 0 && few + more < usize::from(self.quorum);
        refuse(never, "approvals.quorum", "no more than there are approvers")?;
        for minutes in [self.expires_minutes, self.escalate_minutes].into_iter().flatten() {
            refuse(!(1..=MAX_WAIT_MINUTES).contains(&minutes), "approvals.expiresMinutes", "1 minute to 30 days")?;
        }
        Ok(())
    }
}

fn patterns(patterns: &[Pattern], field: &'static str) -> Result<(), Refused> {
    refuse(patterns.len() > MAX_PATTERNS, field, "at most 200 actions")?;
    match patterns.iter().find(|pattern| !pattern.means_something()) {
        Some(_) => Err(Refused::new(field, "names of actions, a family such as `app.*`, or `*`")),
        None => Ok(()),
    }
}

fn refuse(bad: bool, field: &'static str, wanted: &'static str) -> Result<(), Refused> {
    if bad { Err(Refused::new(field, wanted)) } else { Ok(()) }
}
