//! Handing out the chains, so that they can be verified without this control plane. A chain is the installation's: where
//! there is one tenant, its administrators get all of it. Where there are several, each gets the lines of its own tenant,
//! picked from the chains; every line can still be verified by itself, and what is missing between them is somebody
//! else's. Those who operate the installation may take the whole chains.

use std::collections::VecDeque;

use sf_actions::{Actor, Permission};
use sf_protocol::Signed;
use sf_store::audit::{self, Entry, Head, PersonalValue, file};
use sf_store::{Reader, tenants};
use sf_types::{ErrorKind, Fault, InstanceId, RequestId, Scope, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use super::verify::beginning;
use crate::control::Control;
use crate::transition::actor_words;

/// Lines read at a time.
const PAGE: u32 = 500;

/// From when to when; all of it where absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The whole chains, whoever's lines are in them: for those who operate the installation.
    pub all: bool,
    /// From the last checkpoint before this time on.
    pub from: Option<Timestamp>,
    /// Up to the first checkpoint after this time.
    pub to: Option<Timestamp>,
}

/// An export under way.
#[derive(Debug)]
pub struct Export {
    /// Sees the chains as wholes, or the lines of one tenant.
    lines: Reader,
    system: Reader,
    whole: bool,
    at: Timestamp,
    begun: bool,
    chains: VecDeque<Part>,
    count: u64,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

/// What is still to be told of a chain.
#[derive(Debug)]
struct Part {
    instance: InstanceId,
    start: Head,
    /// The statement that vouches for the start.
    vouched: Option<Signed>,
    opened: bool,
    told: u64,
    end: Head,
}

impl Control {
    /// Begins an export. That it was made is recorded first.
    ///
    /// # Errors
    /// No right, too many at once, or the store cannot be read or written.
    pub async fn export_audit(&self, actor: &Actor, request: RequestId, span: Span) -> Result<Export, Fault> {
        let lines = self.view(actor, Permission::AdminAudit)?;
        let single = tenants::all(&self.core().store.read(Scope::System)).await?.len() == 1;
        if span.all && !single {
            self.must_operate(actor).await?;
        }
        let core = self.core().clone();
        let place = self.export_place()?;
        self.record_export(actor, request, "jsonl").await?;
        let system = core.store.read(Scope::System);
        let whole = single || span.all;
        {
            let _looking = core.auditor.looking.lock().await;
            self.verify_new().await?;
            self.sign_head().await?;
        }
        let mut chains = VecDeque::new();
        for (instance, head) in audit::heads(&system).await? {
            chains.push_back(part(&system, instance, head, span).await?);
        }
        let lines = if whole { system.clone() } else { lines };
        let (begun, ended, count) = (false, false, chains.len() as u64);
        Ok(Export { lines, system, whole, at: self.now(), begun, chains, count, ended, _place: place })
    }

    /// A place for one more export.
    ///
    /// # Errors
    /// All are taken.
    pub fn export_place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        self.core().auditor.exports.clone().try_acquire_owned().map_err(|_| {
            Fault::new(ErrorKind::RateLimited, "activity.exports", "Other exports are under way.")
                .fix("Try again when they have ended.")
        })
    }

    /// Records that somebody took audit lines away.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn record_export(&self, actor: &Actor, request: RequestId, format: &'static str) -> Result<(), Fault> {
        let (actor_kind, actor_ref) = actor_words(actor.kind);
        let entry = Entry {
            tenant: Some(actor.tenant),
            project: None,
            actor_kind: actor_kind.to_owned(),
            actor_ref,
            action: "activity.export".to_owned(),
            target_kind: "activity".to_owned(),
            target_id: self.instance().to_string(),
            run: None,
            request: Some(request),
            outcome: "succeeded".to_owned(),
            fields: vec![("format", format.to_owned())],
            personal: Vec::new(),
        };
        let recorded = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                tx.audit(entry);
                Ok(())
            })
        });
        Ok(recorded.await?)
    }
}

/// Which lines of a chain: from a signed head to a signed head, as far as there are any.
async fn part(system: &Reader, instance: InstanceId, head: Head, span: Span) -> sf_store::Result<Part> {
    let before = match span.from {
        Some(from) => audit::checkpoint_at(system, instance, from, true).await?,
        None => None,
    };
    let begins = beginning(system, instance).await?;
    let start =
        before.filter(|before| before.size >= begins.seq).map(|before| Head { seq: before.size, hash: before.hash });
    let start = start.unwrap_or(begins);
    let after = match span.to {
        Some(to) => audit::checkpoint_at(system, instance, to, false).await?,
        None => None,
    };
    let newest = match after {
        Some(after) => Some(after),
        None => audit::checkpoints(system, instance, 1).await?.pop(),
    };
    let end = newest.map_or(head, |newest| Head { seq: newest.size, hash: newest.hash });
    let vouched = match start.seq {
        0 => None,
        size => audit::checkpoints_from(system, instance, size, 1).await?.pop().filter(|found| found.size == size),
    };
    let vouched = vouched.map(|found| found.signed.0);
    Ok(Part { instance, start, vouched, opened: false, told: start.seq, end })
}

impl Export {
    /// The next piece of the file; `None` at its end.
    ///
    /// # Errors
    /// When the store cannot be read: the file has to be thrown away, and says so by its missing end.
    pub async fn next(&mut self) -> Result<Option<String>, Fault> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(file::begin(self.whole, self.at)));
        }
        let Some(part) = self.chains.front_mut() else {
            let last = (!self.ended).then(|| file::done(self.count));
            self.ended = true;
            return Ok(last);
        };
        let mut text = String::new();
        if !part.opened {
            part.opened = true;
            text.push_str(&file::chain(part.instance, &part.start));
            text.extend(part.vouched.iter().filter(|_| self.whole).map(file::checkpoint));
        }
        let last = told(&self.lines, &self.system, part, self.whole, &mut text).await?;
        if last {
            text.push_str(&file::end(part.instance, &part.end));
            self.chains.pop_front();
        }
        Ok(Some(text))
    }
}

/// Adds the next page of lines. Answers whether it was the last.
async fn told(
    lines: &Reader,
    system: &Reader,
    part: &mut Part,
    whole: bool,
    text: &mut String,
) -> sf_store::Result<bool> {
    let instance = part.instance;
    let mut page = match whole {
        true => audit::export(system, instance, part.told, PAGE).await?,
        false => audit::picked(lines, instance, part.told, PAGE).await?,
    };
    let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
    page.retain(|line| line.seq <= part.end.seq);
    let Some((first, last)) = page.first().map(|line| line.seq).zip(page.last().map(|line| line.seq)) else {
        return Ok(true);
    };
    let personal = audit::personal(system, instance, first, last).await?;
    let mut checkpoints = match whole {
        true => audit::checkpoints_from(system, instance, first, PAGE).await?,
        false => Vec::new(),
    };
    checkpoints.retain(|checkpoint| checkpoint.size <= last);
    let mut personal = personal.iter().peekable();
    for line in page {
        text.push_str(&file::line(&line));
        while let Some(value) = personal.next_if(|value: &&PersonalValue| value.seq <= line.seq) {
            if value.seq == line.seq {
                text.push_str(&file::about(value));
            }
        }
        for checkpoint in checkpoints.iter().filter(|checkpoint| checkpoint.size == line.seq) {
            text.push_str(&file::checkpoint(&checkpoint.signed.0));
        }
    }
    part.told = last;
    Ok(!full || last >= part.end.seq)
}
