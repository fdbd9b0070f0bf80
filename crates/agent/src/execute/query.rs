//! Reads: answered at once, signed, without a place in the journal.

use std::convert::Infallible;
use std::sync::Arc;

use sf_protocol::build::BuildSettings;
use sf_protocol::command::Command;
use sf_protocol::frame::Frame;
use sf_protocol::order::{GitSource, Order};
use sf_protocol::query::{Answer, AppReport, Inspection, JournalEntry, ProcessReport, Query, Reply};
use sf_protocol::{Kind, Outcome, Signed};
use sf_runtime::OnError;
use sf_types::{AppId, ByteSize, CommandId, ErrorKind, Fault, Millis};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::app::unknown;
use super::node::Node;
use crate::daemon::aside;
use crate::daemon::servers::record;
use crate::process::Process;
use crate::release::{check_space, tree};
use crate::{build, policy};

/// An answer's body may have this many bytes; references beyond are left out.
const ANSWER_BYTES: usize = 40 * 1024;
/// A look into a repository may take this long.
const INSPECT_LIMIT: Millis = Millis::secs(120);
/// Asking a repository which commit a reference is may take this long.
const RESOLVE_LIMIT: Millis = Millis::secs(30);
/// Looks at repositories at the same time, of both kinds; further ones are refused.
pub const LOOKS_AT_ONCE: usize = 4;
/// Free bytes asked for before a look.
const INSPECT_NEED: ByteSize = ByteSize::mib(64);

impl Node {
    /// Answers a read.
    pub(super) async fn answer(self: &Arc<Self>, command: &Command) {
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

    async fn reply(self: &Arc<Self>, id: CommandId, query: &Query) -> Result<Reply, Fault> {
        match query {
            Query::Inspect { source, build } => Ok(Reply::Inspected(Box::new(self.inspect(id, source, build).await?))),
            Query::Resolve { source } => {
                let (policy, cancel) = (self.policy()?, CancellationToken::new());
                let resolve = async { Ok(self.sources.resolve(source, &policy, &cancel).await?) };
                Ok(Reply::Resolved(self.look(RESOLVE_LIMIT, &cancel, resolve).await?))
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
            Query::Files(wanted) => Ok(Reply::Files(Box::new(self.files(wanted).await?))),
            Query::File { app, path, from } => Ok(Reply::File(Box::new(self.file(*app, path, *from).await?))),
            Query::Services => Ok(Reply::Services(self.services().await?)),
            Query::Server { server } => {
                let report = self.server_report(*server).ok_or_else(|| record::unknown(*server))?;
                Ok(Reply::Server(Box::new(report)))
            }
            Query::Console(wanted) => Ok(Reply::Console(Box::new(self.console(wanted).await?))),
            Query::ServerFiles(wanted) => Ok(Reply::ServerFiles(Box::new(self.look_at_files(wanted).await?))),
            Query::Transfer(wanted) => Ok(Reply::Transfer(self.begin_transfer(wanted).await?)),
            Query::Preview(proposed) => Ok(Reply::Preview(Box::new(self.preview(proposed).await?))),
        }
    }

    /// Looks at a repository within `limit`, if few others do. What it started is ended when this returns.
    async fn look<T>(
        &self,
        limit: Millis,
        cancel: &CancellationToken,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let Ok(_room) = self.looks.try_acquire() else {
            let message = format!("The node looks at {LOOKS_AT_ONCE} repositories already.");
            return Err(Fault::new(ErrorKind::RateLimited, "query.busy", message).fix("Try again in a moment."));
        };
        let mut work = std::pin::pin!(work);
        let looked = tokio::select! {
            looked = &mut work => looked,
            () = tokio::time::sleep(limit.duration()) => {
                cancel.cancel();
                drop(work.await);
                let message = format!("The repository could not be looked at within {} s.", limit.0 / 1000);
                Err(Fault::new(ErrorKind::Timeout, "query.slow", message)
                    .fix("Try again, or deploy it: a deploy has more time."))
            }
        };
        // The answer does not wait for it.
        let sources = self.sources.clone();
        self.tasks.spawn("looks.prune", OnError::Log, async move {
            sources.prune_looks().await;
            Ok::<(), Infallible>(())
        });
        looked
    }

    /// A throwaway checkout: what is in it, and how it would be built.
    async fn inspect(&self, id: CommandId, source: &GitSource, build: &BuildSettings) -> Result<Inspection, Fault> {
        let (policy, cancel) = (self.policy()?, CancellationToken::new());
        let dir = self.state.join("inspect").join(id.to_string());
        std::fs::create_dir_all(&dir).map_err(|error| super::app::disk(&dir, &error))?;
        let work = async {
            check_space(&dir, INSPECT_NEED)?;
            let (checkout, references) = self.sources.inspect(source, &policy, &dir, &cancel).await?;
            let mut plan = build::detect(&dir, build)?;
            if plan.container.is_some() {
                self.engine(&policy).await?;
            }
            plan.warnings.extend(checkout.warnings);
            let plan = plan.spoken(self.outbox.spoken());
            let (size_bytes, files) = (checkout.bytes, checkout.files);
            Ok(Inspection { revision: checkout.revision, plan, references, size_bytes, files })
        };
        let looked = self.look(INSPECT_LIMIT, &cancel, work).await;
        let swept = dir.clone();
        if let Err(error) = aside::long(move || tree::remove(&swept)).await {
            tracing::warn!(dir = %dir.display(), %error, "a throwaway checkout could not be removed");
        }
        looked
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
