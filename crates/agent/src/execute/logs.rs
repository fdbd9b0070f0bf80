//! Logs on disk, of runs and of releases: which the control plane still gets, and which go.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sf_protocol::report::LogSource;
use sf_types::{AppId, ReleaseId, RunId};

use super::node::Node;
use crate::daemon::aside;
use crate::release::tree;

/// Logs of ended runs kept on disk, 4 MiB each at the most.
pub const RUN_LOGS_KEPT: usize = 200;
/// Logs of an app's releases that are no longer on disk (most of them never went live) kept, 8 MiB each at the most.
pub const GONE_LOGS_KEPT: usize = 5;

impl Node {
    /// Tells the outbox of the logs on disk, so that what was written while nobody was connected is delivered.
    pub(super) async fn know_logs(&self) {
        self.prune_run_logs().await;
        for record in self.apps.list() {
            let app = record.spec.app;
            self.prune_app_logs(app).await;
            for (release, path) in logs(&self.state.app(app).join("logs")) {
                self.outbox.log(LogSource::App { app, release }, &path);
            }
        }
        for (run, path) in logs(&self.state.runs()) {
            self.outbox.log(LogSource::Run { run }, &path);
        }
    }

    /// Removes the oldest logs of ended runs beyond [`RUN_LOGS_KEPT`].
    pub(super) async fn prune_run_logs(&self) {
        let (dir, written) = (self.state.runs(), self.outbox.live_logs());
        let spared = move |run: &RunId| written.contains(&LogSource::Run { run: *run });
        let removed = aside::short(move || prune(&dir, RUN_LOGS_KEPT, spared)).await;
        removed.into_iter().for_each(|run| self.outbox.forget_log(LogSource::Run { run }));
    }

    /// Removes the oldest logs of releases that are neither on disk nor running, beyond [`GONE_LOGS_KEPT`].
    pub(super) async fn prune_app_logs(&self, app: AppId) {
        let (dir, written) = (self.state.app(app).join("logs"), self.outbox.live_logs());
        let kept: BTreeSet<ReleaseId> = self.kept(app).into_iter().collect();
        let spared = move |release: &ReleaseId| {
            kept.contains(release) || written.contains(&LogSource::App { app, release: *release })
        };
        let removed = aside::short(move || prune(&dir, GONE_LOGS_KEPT, spared)).await;
        removed.into_iter().for_each(|release| self.outbox.forget_log(LogSource::App { app, release }));
    }

    /// Removes the log of a release.
    pub(super) async fn remove_log(&self, app: AppId, release: ReleaseId) {
        let dir = self.log_dir(app, release);
        self.outbox.forget_log(LogSource::App { app, release });
        if let Err(error) = aside::short(move || tree::remove(&dir)).await {
            tracing::warn!(%app, %release, %error, "a log could not be removed");
        }
    }
}

/// Logs in `dir` by the id in their name, oldest first: ids sort by time.
fn logs<I: FromStr + Ord>(dir: &Path) -> Vec<(I, PathBuf)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<(I, PathBuf)> =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))).collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// Removes the oldest logs beyond `keep`, those of `spared` neither removed nor counted. Answers which.
pub(crate) fn prune<I: FromStr + Ord>(dir: &Path, keep: usize, spared: impl Fn(&I) -> bool) -> Vec<I> {
    let mut ended: Vec<(I, PathBuf)> = logs(dir).into_iter().filter(|(id, _)| !spared(id)).collect();
    ended.truncate(ended.len().saturating_sub(keep));
    let mut removed = Vec::new();
    for (id, path) in ended {
        match tree::remove(&path) {
            Ok(()) => removed.push(id),
            Err(error) => tracing::warn!(path = %path.display(), %error, "a log could not be removed"),
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    #[test]
    fn the_oldest_logs_go_and_those_being_written_stay() {
        let dir = tempfile::tempdir().unwrap();
        let run = |n: u8| RunId::from_parts(Timestamp::from_millis(i64::from(n)), [n; 10]);
        for n in 1..=9 {
            std::fs::create_dir(dir.path().join(run(n).to_string())).unwrap();
        }
        std::fs::create_dir(dir.path().join("something else")).unwrap();
        let written = [run(2), run(9)];
        assert_eq!(prune(dir.path(), 3, |run| written.contains(run)), [1, 3, 4, 5].map(run));
        let left: Vec<RunId> = logs(dir.path()).into_iter().map(|(run, _)| run).collect();
        assert_eq!(left, [2, 6, 7, 8, 9].map(run));
        assert!(dir.path().join("something else").exists());
        assert!(prune::<RunId>(&dir.path().join("nowhere"), 3, |_| false).is_empty());
    }
}
