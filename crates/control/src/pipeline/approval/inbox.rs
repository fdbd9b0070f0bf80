//! A person's inbox: one stack of what needs them. Cards to decide, runs that broke, machines and apps in trouble, and
//! automatic runs to look back at.

use std::collections::HashMap;
use std::time::Duration;

use sf_actions::rules::Terms;
use sf_actions::{Actor, Effect, Permission, Standing};
use sf_engine::{Done, Run, RunState};
use sf_policy::ballot::{self, Ballot, Voice};
use sf_store::approvals::{Approval, ApprovalState, Verdict};
use sf_store::inbox::{self, Reading};
use sf_store::votes::{self, Vote};
use sf_store::{Reader, StoreError, approvals, deputies, grants, runs, users};
use sf_types::{ApprovalId, ErrorKind, Fault, Page, PageRequest, RunId, Timestamp, UserId};
use uuid::Uuid;

use super::alerts::Alert;
use super::deputies::own;
use crate::control::Control;
use crate::proposal::Lines;

/// Runs that broke are shown so long: 14 days.
pub const SHOWN: Duration = Duration::from_secs(14 * 86_400);
/// The longest time a card is put aside: 30 days.
pub const LONGEST_SNOOZE: Duration = Duration::from_secs(30 * 86_400);
/// Up to so many cards are counted one by one, so that nobody looks for one that is not theirs to decide.
const EXACT: u16 = 50;
/// Past runs shown beside a card.
const MAX_SIMILAR: u16 = 5;
/// People named beside a card, and looked at for it.
const MAX_DECIDERS: (usize, u32) = (20, 500);

/// One card of the stack.
#[derive(Clone, Debug)]
pub enum Card {
    /// It waits for a decision.
    Decide(Box<Deciding>),
    /// It failed or was taken back.
    Failed(Box<Run>),
    /// It ran by itself; was that right?
    Review(Box<Run>),
    /// Something is wrong with a machine or an app.
    Alert(Alert),
}

/// A card to decide.
#[derive(Clone, Debug)]
pub struct Deciding {
    /// The card.
    pub approval: Approval,
    /// The run it is about, or the workflow's run whose step asks.
    pub run: Option<Run>,
    /// Voices so far.
    pub votes: Vec<Vote>,
    /// Why the reader's own voice would not count; `None` where it would.
    pub not_you: Option<String>,
}

impl Card {
    /// By which it is found, put aside and ordered.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Decide(card) => card.approval.id.uuid(),
            Self::Failed(run) | Self::Review(run) => run.id.uuid(),
            Self::Alert(alert) => alert.id(),
        }
    }
}

/// Which cards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// To decide.
    Approval,
    /// Broken.
    Failed,
    /// To look back at.
    Review,
    /// Machines and apps in trouble.
    Alert,
}

/// How many of each there are, up to [`inbox::MAX_COUNT`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// To decide.
    pub approvals: u64,
    /// Broken.
    pub failed: u64,
    /// To look back at.
    pub reviews: u64,
    /// Machines.
    pub alerts: u64,
}

/// A past run like the one on a card.
#[derive(Clone, Debug)]
pub struct Similar {
    /// The run.
    pub run: Run,
    /// What a person had said, and why.
    pub decision: Option<(Verdict, Option<String>)>,
}

/// A card with everything that helps to decide.
#[derive(Clone, Debug)]
pub struct Details {
    /// The card.
    pub card: Card,
    /// The newest first.
    pub similar: Vec<Similar>,
    /// Who else may decide.
    pub deciders: Vec<users::User>,
    /// Names of people that it speaks of.
    pub names: HashMap<UserId, String>,
    /// Whether the reader has put it aside.
    pub aside: bool,
    /// What its run would do, where it has not begun.
    pub plan: Option<Lines>,
}

/// Who reads, and what their voice is worth.
struct Voices {
    by: UserId,
    deputy_of: Vec<(UserId, sf_actions::Rights)>,
    own: sf_actions::Rights,
}

impl Control {
    fn reading(&self, actor: &Actor) -> Result<Reading, Fault> {
        let now = self.now();
        Ok(Reading { user: own(actor)?, now, since: now.minus(SHOWN) })
    }

    /// A page of the stack, newest first; machines in trouble come first of all, with the first page.
    ///
    /// # Errors
    /// No person, a bad cursor, or the store cannot be read.
    pub async fn inbox(&self, actor: &Actor, kind: Option<Kind>, page: &PageRequest) -> Result<Page<Card>, Fault> {
        let reading = self.reading(actor)?;
        let wants = |of: Kind| kind.is_none_or(|kind| kind == of);
        let mut found: Vec<Card> = Vec::new();
        let mut more = false;
        if let (true, Ok(reader)) = (wants(Kind::Approval), self.view(actor, Permission::ApprovalDecide)) {
            let cards = inbox::cards(&reader, reading, page).await?;
            more |= cards.next.is_some();
            found.extend(self.deciding(actor, &reader, cards.items).await?);
        }
        if let (true, Ok(reader)) = (wants(Kind::Failed), self.view(actor, Permission::AppView)) {
            let failed = inbox::failures(&reader, reading, page).await?;
            more |= failed.next.is_some();
            found.extend(failed.items.into_iter().map(|run| Card::Failed(Box::new(run))));
        }
        if let (true, Ok(reader)) = (wants(Kind::Review), self.view(actor, Permission::ApprovalDecide)) {
            let reviews = inbox::to_review(&reader, reading, page).await?;
            more |= reviews.next.is_some();
            found.extend(reviews.items.into_iter().map(|run| Card::Review(Box::new(run))));
        }
        found.sort_by_key(|card| std::cmp::Reverse(card.id()));
        let rows = usize::try_from(page.rows()).unwrap_or(usize::MAX);
        more |= found.len() > rows;
        found.truncate(rows);
        // What this reader cannot decide is left out, and the cursor goes on behind it.
        let next = found.last().filter(|_| more).map(|card| sf_types::Cursor(card.id().to_string()));
        found.retain(|card| !matches!(card, Card::Decide(card) if card.not_you.is_some()));
        if page.after.is_none() && wants(Kind::Alert) {
            let alerts = self.alerts(actor, reading).await?;
            found.splice(0..0, alerts.into_iter().map(Card::Alert));
        }
        Ok(Page { items: found, next })
    }

    /// How many cards there are. Of few, those that this reader cannot decide are left out, as in the stack.
    ///
    /// # Errors
    /// No person, or the store cannot be read.
    pub async fn inbox_counts(&self, actor: &Actor) -> Result<Counts, Fault> {
        let reading = self.reading(actor)?;
        let mut counts = Counts::default();
        if let Ok(reader) = self.view(actor, Permission::ApprovalDecide) {
            (counts.approvals, counts.reviews) = inbox::count_to_decide(&reader, reading).await?;
            if (1..=u64::from(EXACT)).contains(&counts.approvals) {
                let page = PageRequest { limit: Some(EXACT), ..PageRequest::default() };
                let cards = inbox::cards(&reader, reading, &page).await?.items;
                let mine = |card: &Card| matches!(card, Card::Decide(card) if card.not_you.is_none());
                let cards = self.deciding(actor, &reader, cards).await?;
                counts.approvals = cards.iter().filter(|card| mine(card)).count() as u64;
            }
        }
        if let Ok(reader) = self.view(actor, Permission::AppView) {
            counts.failed = inbox::count_failures(&reader, reading).await?;
        }
        counts.alerts = self.alerts(actor, reading).await?.len() as u64;
        Ok(counts)
    }

    async fn deciding(&self, actor: &Actor, reader: &Reader, cards: Vec<Approval>) -> Result<Vec<Card>, Fault> {
        let of: Vec<RunId> = cards.iter().filter_map(|card| card.run).collect();
        let runs = runs::of_ids(reader, &of).await?;
        let voices = self.voices(actor).await?;
        let mut found = Vec::with_capacity(cards.len());
        for approval in cards {
            let run = approval.run.and_then(|run| runs.get(&run).cloned());
            let votes = match &approval.terms {
                Some(terms) if terms.0.quorum > 1 => votes::of_card(reader, approval.id).await?,
                _ => Vec::new(),
            };
            let not_you = voices.refusal(&approval, run.as_ref(), &votes);
            found.push(Card::Decide(Box::new(Deciding { approval, run, votes, not_you })));
        }
        Ok(found)
    }

    async fn voices(&self, actor: &Actor) -> Result<Voices, Fault> {
        let (by, reader) = (own(actor)?, self.core().store.read(actor.scope()));
        let mut deputy_of = Vec::new();
        for user in deputies::decides_for(&reader, by, self.now()).await? {
            deputy_of.push((user, grants::rights_of(&reader, user).await?));
        }
        Ok(Voices { by, deputy_of, own: grants::rights_of(&reader, by).await? })
    }

    /// One card with everything that helps to decide, decided or not.
    ///
    /// # Errors
    /// Nothing of this id that this person may see; the store cannot be read.
    pub async fn inbox_card(&self, actor: &Actor, id: Uuid) -> Result<Details, Fault> {
        let reading = self.reading(actor)?;
        let reader = self.core().store.read(actor.scope());
        let card = self.find_card(actor, id).await?;
        let aside = !inbox::aside(&reader, reading, &[card.id()]).await?.is_empty();
        let (names, plan) = (HashMap::new(), None);
        let mut details = Details { card, similar: Vec::new(), deciders: Vec::new(), names, aside, plan };
        let run = match &details.card {
            Card::Decide(card) => card.run.clone(),
            Card::Failed(run) | Card::Review(run) => Some(run.as_ref().clone()),
            Card::Alert(_) => None,
        };
        if let Some(run) = &run {
            details.similar = self.similar(actor, run).await?;
        }
        let mut people: Vec<UserId> = run.iter().filter_map(|run| run.actor.user()).collect();
        if let Card::Decide(card) = &details.card {
            people.extend(card.votes.iter().flat_map(|vote| [vote.voice, vote.by]));
            people.extend(card.approval.decided_by);
            details.deciders = self.deciders(actor, card).await?;
            if let (Some(run), None) = (&card.run, &card.approval.step) {
                details.plan = self.planned(run).await?;
            }
        }
        people.sort_unstable();
        people.dedup();
        for user in people {
            match users::get(&reader, user).await {
                Ok(user) => drop(details.names.insert(user.id, user.name)),
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(details)
    }

    /// A card by its own id, or that of the run it is about.
    async fn find_card(&self, actor: &Actor, id: Uuid) -> Result<Card, Fault> {
        if let Ok(reader) = self.view(actor, Permission::ApprovalView) {
            match approvals::get(&reader, ApprovalId::from_uuid(id)).await {
                Ok(approval) => return self.decide_card(actor, &reader, approval).await,
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Ok(record) = self.run(actor, RunId::from_uuid(id)).await {
            return self.card_of_run(actor, record.run).await;
        }
        self.alert(actor, id).await?.map(Card::Alert).ok_or_else(no_card)
    }

    async fn decide_card(&self, actor: &Actor, reader: &Reader, approval: Approval) -> Result<Card, Fault> {
        let card = self.deciding(actor, reader, vec![approval]).await?.pop().ok_or_else(no_card)?;
        let Card::Decide(mut card) = card else { return Ok(card) };
        card.votes = votes::of_card(reader, card.approval.id).await?;
        Ok(Card::Decide(card))
    }

    /// What a run is in the inbox: broken, to be looked back at, or what people decide about it, or have decided last.
    async fn card_of_run(&self, actor: &Actor, run: Run) -> Result<Card, Fault> {
        if matches!(run.state, RunState::Done(Done::Failed | Done::RolledBack)) {
            return Ok(Card::Failed(Box::new(run)));
        }
        let reader = self.core().store.read(actor.scope());
        if inbox::review(&reader, run.id).await?.is_some() {
            return Ok(Card::Review(Box::new(run)));
        }
        let Ok(reader) = self.view(actor, Permission::ApprovalView) else { return Err(no_card_of(&run)) };
        let cards = approvals::of_run(&reader, run.id).await?;
        let open: Vec<&Approval> = cards.iter().filter(|card| is_open(card)).collect();
        let wanted = match open.as_slice() {
            // One that was taken back is not what was decided last, though both may have been in the same instant.
            [] => cards.iter().max_by_key(|card| (card.state == ApprovalState::Decided, card.decided_at, card.id)),
            [one] => Some(*one),
            several => return Err(ambiguous(&run, several)),
        };
        match wanted.cloned() {
            Some(approval) => self.decide_card(actor, &reader, approval).await,
            None => Err(no_card_of(&run)),
        }
    }

    /// Runs of the same action on the same thing, and what people had said about them.
    async fn similar(&self, actor: &Actor, of: &Run) -> Result<Vec<Similar>, Fault> {
        let Ok(reader) = self.view(actor, Permission::AppView) else { return Ok(Vec::new()) };
        let filter = runs::RunFilter {
            state: Some("done".to_owned()),
            action: Some(of.action.spec().name.to_owned()),
            app: of.app,
            ..runs::RunFilter::default()
        };
        let page = PageRequest { limit: Some(MAX_SIMILAR + 1), ..PageRequest::default() };
        let mut similar = Vec::new();
        for record in runs::page(&reader, &filter, &page).await?.items {
            if record.run.id == of.id || similar.len() == usize::from(MAX_SIMILAR) {
                continue;
            }
            let decided = approvals::of_run(&reader, record.run.id).await?;
            let decision = decided.into_iter().find_map(|card| Some((card.decision?, card.comment)));
            similar.push(Similar { run: record.run, decision });
        }
        Ok(similar)
    }

    /// Who else may decide about a card.
    async fn deciders(&self, actor: &Actor, card: &Deciding) -> Result<Vec<users::User>, Fault> {
        let (reader, me) = (self.core().store.read(actor.scope()), own(actor)?);
        let mut deciders = Vec::new();
        for user in grants::holders(&reader, MAX_DECIDERS.1).await? {
            let voices = Voices { by: user, deputy_of: Vec::new(), own: grants::rights_of(&reader, user).await? };
            if user == me || voices.refusal(&card.approval, card.run.as_ref(), &card.votes).is_some() {
                continue;
            }
            let person = users::get(&reader, user).await?;
            deciders.extend(Some(person).filter(|person| person.disabled_at.is_none()));
            if deciders.len() == MAX_DECIDERS.0 {
                break;
            }
        }
        Ok(deciders)
    }

    /// Puts a card aside for this person: until a moment, or for good where there is none.
    ///
    /// # Errors
    /// Nothing of this id, a moment that is over or too far off, or for good what waits for a decision.
    pub async fn put_aside(&self, actor: &Actor, id: Uuid, until: Option<Timestamp>) -> Result<(), Fault> {
        let (user, now) = (own(actor)?, self.now());
        let card = self.find_card(actor, id).await?;
        let id = card.id();
        if until.is_some_and(|until| until <= now || until.since(now) > LONGEST_SNOOZE) {
            let fault = Fault::new(ErrorKind::Invalid, "inbox.until", "`until` is over, or more than 30 days off.");
            return Err(fault.fix("Choose a moment within the next 30 days."));
        }
        if until.is_none() && matches!(card, Card::Decide(_)) {
            let fault =
                Fault::new(ErrorKind::Invalid, "inbox.waits", "What waits for a decision cannot be put away for good.");
            return Err(fault.fix("Decide, or put it aside until later."));
        }
        let write = self
            .core()
            .store
            .write(actor.scope(), move |tx| Box::pin(async move { inbox::put_aside(tx, user, id, until).await }));
        Ok(write.await?)
    }

    /// Takes a card up again.
    ///
    /// # Errors
    /// Nothing of this id that this person may see; the store cannot record it.
    pub async fn take_up(&self, actor: &Actor, id: Uuid) -> Result<(), Fault> {
        let user = own(actor)?;
        let id = self.find_card(actor, id).await?.id();
        let write = self
            .core()
            .store
            .write(actor.scope(), move |tx| Box::pin(async move { inbox::take_up(tx, user, id).await }));
        Ok(write.await?)
    }
}

impl Voices {
    /// Why this person's voice would not count.
    fn refusal(&self, card: &Approval, run: Option<&Run>, votes: &[Vote]) -> Option<String> {
        let usual = Terms::default();
        let standing = match run {
            Some(run) => Standing { project: run.project, node: run.node, app: run.app, server: run.server },
            None => Standing { project: card.project, ..Standing::TENANT },
        };
        let may = |rights: &sf_actions::Rights| rights.at(&standing).has(Permission::ApprovalDecide);
        let given: Vec<Voice> = votes
            .iter()
            .filter(|vote| vote.verdict == Verdict::Approved)
            .map(|vote| Voice { of: vote.voice, by: vote.by })
            .collect();
        let deputy_of: Vec<UserId> =
            self.deputy_of.iter().filter(|(_, rights)| may(rights)).map(|(user, _)| *user).collect();
        let ballot = Ballot {
            terms: card.terms.as_ref().map_or(&usual, |terms| &terms.0),
            escalated: card.state == ApprovalState::Escalated,
            proposer: run.and_then(|run| run.actor.user()),
            given: &given,
            by: self.by,
            own_right: may(&self.own),
            deputy_of: &deputy_of,
            agrees: true,
        };
        ballot::judge(&ballot).err().map(|why| why.to_string())
    }
}

/// Whether a card is only decided by itself: something is lost, or who may do what changes.
pub fn is_dangerous(run: &Run) -> bool {
    run.action.spec().effect == Effect::Destroy || run.decision.inputs.never_auto || run.action.opens_gates()
}

const fn is_open(card: &Approval) -> bool {
    matches!(card.state, ApprovalState::Open | ApprovalState::Escalated)
}

/// A run about which nobody is asked.
fn no_card_of(run: &Run) -> Fault {
    let (state, done) = run.state.words();
    let message = format!("Run {} is no card of your inbox: it is {}.", run.id, done.unwrap_or(state));
    let fix = format!("See what became of it: serverflow runs show {}.", run.id);
    Fault::new(ErrorKind::NotFound, "card.not_found", message).fix(fix)
}

fn ambiguous(run: &Run, cards: &[&Approval]) -> Fault {
    let named = |card: &&Approval| match &card.step {
        Some(step) => format!("{} (step {step})", card.id),
        None => card.id.to_string(),
    };
    let message = format!("Several steps of run {} wait for a person.", run.id);
    let fix = format!("Give the card's id: {}.", cards.iter().map(named).collect::<Vec<_>>().join(", "));
    Fault::new(ErrorKind::Conflict, "inbox.ambiguous", message).fix(fix)
}

fn no_card() -> Fault {
    Fault::new(ErrorKind::NotFound, "card.not_found", "There is no such card in your inbox.")
        .fix("It may have been decided, or be over; look at `serverflow inbox list`.")
}
