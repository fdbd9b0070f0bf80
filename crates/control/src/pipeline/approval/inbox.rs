//! A person's inbox: one stack of what needs them. Cards to decide, runs that broke, machines that are silent or locked,
//! and automatic runs to look back at.

use std::collections::HashMap;
use std::time::Duration;

use sf_actions::rules::Terms;
use sf_actions::{Actor, Effect, Permission, Standing};
use sf_engine::Run;
use sf_policy::ballot::{self, Ballot, Voice};
use sf_store::approvals::{Approval, ApprovalState, Verdict};
use sf_store::inbox::{self, Reading};
use sf_store::nodes::{Node, NodeStatus};
use sf_store::votes::{self, Vote};
use sf_store::{StoreError, approvals, deputies, grants, nodes, runs, users};
use sf_types::{ApprovalId, ErrorKind, Fault, NodeId, Page, PageRequest, RunId, Timestamp, UserId};
use uuid::Uuid;

use super::deputies::own;
use crate::control::Control;

/// Runs that broke are shown so long: 14 days.
pub const SHOWN: Duration = Duration::from_secs(14 * 86_400);
/// A machine is silent for so long before it is a card: 5 min.
pub const SILENT: Duration = Duration::from_secs(300);
/// The longest time a card is put aside: 30 days.
pub const LONGEST_SNOOZE: Duration = Duration::from_secs(30 * 86_400);
/// Up to so many cards are counted one by one, so that nobody looks for one that is not theirs to decide.
const EXACT: u16 = 50;
/// Machines shown at the most.
const MAX_ALERTS: u32 = 50;
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
    /// A machine is silent, or locked.
    Alert(Box<Node>),
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
            Self::Alert(node) => node.id.uuid(),
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
    /// Machines.
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
            found.splice(0..0, alerts.into_iter().map(|node| Card::Alert(Box::new(node))));
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

    async fn alerts(&self, actor: &Actor, reading: Reading) -> Result<Vec<Node>, Fault> {
        let Ok(reader) = self.view(actor, Permission::NodeView) else { return Ok(Vec::new()) };
        let troubled = nodes::troubled(&reader, reading.now.minus(SILENT), MAX_ALERTS).await?;
        let ids: Vec<Uuid> = troubled.iter().map(|node| node.id.uuid()).collect();
        let aside: HashMap<Uuid, Timestamp> = inbox::aside(&reader, reading, &ids).await?.into_iter().collect();
        // One that came back and is silent again is another card.
        let is_new = |node: &Node| aside.get(&node.id.uuid()).is_none_or(|seen| node.last_seen_at > Some(*seen));
        Ok(troubled.into_iter().filter(is_new).collect())
    }

    async fn deciding(
        &self,
        actor: &Actor,
        reader: &sf_store::Reader,
        cards: Vec<Approval>,
    ) -> Result<Vec<Card>, Fault> {
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
        let aside = !inbox::aside(&reader, reading, &[id]).await?.is_empty();
        let mut details = Details { card, similar: Vec::new(), deciders: Vec::new(), names: HashMap::new(), aside };
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

    async fn find_card(&self, actor: &Actor, id: Uuid) -> Result<Card, Fault> {
        if let Ok(reader) = self.view(actor, Permission::ApprovalView) {
            match approvals::get(&reader, ApprovalId::from_uuid(id)).await {
                Ok(approval) => {
                    let mut cards = self.deciding(actor, &reader, vec![approval]).await?;
                    let card = cards.pop().ok_or_else(no_card)?;
                    return match card {
                        Card::Decide(mut card) => {
                            card.votes = votes::of_card(&reader, card.approval.id).await?;
                            Ok(Card::Decide(card))
                        }
                        other => Ok(other),
                    };
                }
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Ok(record) = self.run(actor, RunId::from_uuid(id)).await {
            let reader = self.core().store.read(actor.scope());
            let asked = inbox::review(&reader, record.run.id).await?.is_some_and(|review| review.reviewed_at.is_none());
            let run = Box::new(record.run);
            return Ok(if asked { Card::Review(run) } else { Card::Failed(run) });
        }
        match self.node(actor, NodeId::from_uuid(id)).await {
            Ok(node) => Ok(Card::Alert(Box::new(node))),
            Err(_) => Err(no_card()),
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
        self.find_card(actor, id).await?;
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
            Some(run) => Standing { project: run.project, node: run.node, app: run.app, server: None },
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

/// Whether a machine is locked, and not only silent.
pub fn is_locked(node: &Node) -> bool {
    node.status == NodeStatus::Locked
}

fn no_card() -> Fault {
    Fault::new(ErrorKind::NotFound, "card.not_found", "There is no such card in your inbox.")
        .fix("It may have been decided; look at `serverflow inbox list`.")
}
