//! Reads: answered at once, signed, without a place in the journal.

use std::path::Path;

use sf_protocol::build::BuildSettings;
use sf_protocol::command::Command;
use sf_protocol::frame::Frame;
use sf_protocol::order::{GitSource, Order};
use sf_protocol::query::{Answer, AppReport, Inspection, JournalEntry, ProcessReport, Query, Reply};
use sf_protocol::{Kind, Outcome, Signed};
use sf_types::{AppId, ByteSize, CommandId, ErrorKind, Fault, Millis};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::app::unknown;
use super::node::Node;
use crate::daemon::aside;
use crate::process::Process;
use crate::release::{check_space, tree};
use crate::{build, policy};

/// An answer's body may have this many bytes; references beyond are left out.
const ANSWER_BYTES: usize = 40 * 1024;
/// A look into a repository may take this long.
const INSPECT_LIMIT: Millis = Millis::secs(120);
/// Free bytes asked for before a look.
const INSPECT_NEED: ByteSize = ByteSize::mib(64);

impl Node {
    /// Answers a read.
    pub(super) async fn answer(&self, command: &Command) {
        let Order::Query(query) = &command.order else { return };
        let allowed = self.policy().and_then(|policy| policy::decide(&policy, &command.order));
        let reply = match allowed {
            Ok(()) => Box::pin(self.reply(command.id, query)).await,
            Err(fault) => Err(fault),
        };
        self.say_answer(command.id, reply.unwrap_or_else(Reply::Fault));
    }

    /// Too many reads at once.
    pub(super) fn answer_busy(&self, command: &Command) {
        let fault = Fault::new(ErrorKind::RateLimited, "query.busy", "The node answers too many questions already.");
        self.say_answer(command.id, Reply::Fault(fault.fix("Try again in a moment.")));
    }

    fn say_answer(&self, command: CommandId, reply: Reply) {
        let mut answer = Answer { command, node: self.id, at: self.clock.now(), reply };
        // Names of references may be long: as many as fit.
        while let Reply::Inspected(inspection) = &mut answer.reply
            && sf_protocol::wire::write(&*inspection).len() > ANSWER_BYTES
            && inspection.references.pop().is_some()
        {}
        self.outbox.say(Frame::Answer(Signed::seal(Kind::Answer, &answer, &self.key)));
    }

    async fn reply(&self, id: CommandId, query: &Query) -> Result<Reply, Fault> {
        match query {
            Query::Inspect { source, build } => Ok(Reply::Inspected(Box::new(self.inspect(id, source, build).await?))),
            Query::Resolve { source } => {
                let revision = self.sources.resolve(source, &self.policy()?, &CancellationToken::new()).await?;
                Ok(Reply::Resolved(revision))
            }
            Query::App { app } => Ok(Reply::App(Box::new(self.report(*app).await?))),
            Query::Node => {
                let mut facts = self.facts.clone();
                let known = facts.wait_for(Option::is_some).await.ok().and_then(|facts| facts.clone());
                let starting = || Fault::new(ErrorKind::Unavailable, "node.starting", "The agent is still starting.");
                Ok(Reply::Node(Box::new((*known.ok_or_else(starting)?).clone())))
            }
            Query::Journal { command } => Ok(Reply::Journal(Box::new(self.journal_entry(*command)?))),
            Query::Watch { time } => {
                let until = Instant::now() + Millis(time.0.min(Query::MAX_WATCH.0)).duration();
                self.watched_until.send_modify(|known| *known = Some(known.map_or(until, |known| known.max(until))));
                Ok(Reply::Watching)
            }
        }
    }

    /// A throwaway checkout: what is in it, and how it would be built.
    async fn inspect(&self, id: CommandId, source: &GitSource, build: &BuildSettings) -> Result<Inspection, Fault> {
        let dir = self.state.join("inspect").join(id.to_string());
        let failed = |error: std::io::Error| super::app::disk(&dir, &error);
        std::fs::create_dir_all(&dir).map_err(failed)?;
        let looked = self.look(&dir, source, build).await;
        let swept = dir.clone();
        if let Err(error) = aside::long(move || tree::remove(&swept)).await {
            tracing::warn!(dir = %dir.display(), %error, "a throwaway checkout could not be removed");
        }
        looked
    }

    async fn look(&self, dir: &Path, source: &GitSource, build: &BuildSettings) -> Result<Inspection, Fault> {
        let (policy, cancel) = (self.policy()?, CancellationToken::new());
        check_space(dir, INSPECT_NEED)?;
        let key = "inspect";
        let looked = async {
            let checkout = self.sources.fetch(key, source, &policy, dir, &cancel).await?;
            let references = self.sources.references(source, &policy, &cancel).await?;
            Ok::<_, Fault>((checkout, references))
        };
        let looked = tokio::time::timeout(INSPECT_LIMIT.duration(), looked).await;
        let slow = |_| {
            let message = format!("The repository could not be looked at within {} s.", INSPECT_LIMIT.0 / 1000);
            Fault::new(ErrorKind::Timeout, "query.slow", message)
                .fix("Try again, or deploy it: a deploy has more time.")
        };
        let (checkout, references) = looked.map_err(slow)??;
        let mut plan = build::detect(dir, build)?;
        plan.warnings.extend(checkout.warnings);
        Ok(Inspection {
            revision: checkout.revision,
            plan,
            references,
            size_bytes: checkout.bytes,
            files: checkout.files,
        })
    }

    async fn report(&self, app: AppId) -> Result<AppReport, Fault> {
        self.apps.get(app).ok_or_else(|| unknown(app))?;
        let live = self.live(app).and_then(|live| self.process(live));
        let processes = aside::short(move || live.iter().map(process_report).collect()).await;
        Ok(AppReport { facts: self.app_facts(app, None), kept: self.kept(app), processes })
    }

    fn journal_entry(&self, command: CommandId) -> Result<JournalEntry, Fault> {
        let read = |error: crate::journal::JournalError| {
            Fault::new(ErrorKind::Internal, "journal.read", error.to_string()).fix("Check the node's disk.")
        };
        let known = self.journal.known(command);
        let signed = self.journal.outcome(command).map_err(read)?;
        let outcome = signed.and_then(|signed| signed.open::<Outcome>(Kind::Result, &self.key.public()).ok());
        Ok(JournalEntry { accepted: known.is_some(), outcome, high_water: self.journal.position().1 })
    }
}

fn process_report(process: &Process) -> ProcessReport {
    let (status, usage) = (process.status(), process.usage());
    ProcessReport {
        release: status.release,
        pid: status.child.as_ref().and_then(|child| u32::try_from(child.pid).ok()).unwrap_or(0),
        state: status.state,
        since: status.since,
        restarts: status.restarts,
        rss_bytes: usage.rss_bytes,
        cpu_ms: usage.cpu_ms,
        ports: process.ports(),
        enforced: status.enforced,
    }
}
