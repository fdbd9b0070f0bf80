//! What a simulated node says of panel servers.

use std::collections::HashMap;

use sf_protocol::Verdict;
use sf_protocol::query::Reply;
use sf_protocol::report::{LogLine, Stream};
use sf_protocol::server::{
    ConsoleChunk, ConsoleWanted, EntryKind, FileContent, FileEntry, FileLook, FilePiece, FilesSeen, FolderPage,
    InstallState, ServerAction, ServerReport, ServerState, ServerVerb,
};
use sf_types::{ErrorKind, Fault, ServerId, Timestamp};

use super::words::Words;

/// What a server is after an order.
pub(super) fn server(
    servers: &mut HashMap<ServerId, ServerReport>,
    order: &ServerAction,
    verdict: Verdict,
    now: Timestamp,
) -> ServerReport {
    let report = servers.entry(order.spec.server).or_insert_with(|| ServerReport {
        server: order.spec.server,
        generation: 0,
        state: ServerState::Stopped,
        install: InstallState::Missing,
        since: now,
        reason: "never installed".to_owned(),
        restarts: 0,
        stopped_by: None,
        enforced: vec!["a simulated limit".to_owned()],
        disk_bytes: 0,
    });
    report.generation = order.spec.generation;
    if verdict != Verdict::Succeeded {
        return report.clone();
    }
    report.since = now;
    match order.verb {
        ServerVerb::Install { .. } => {
            (report.install, report.state) = (InstallState::Installed, ServerState::Stopped);
            report.disk_bytes = 4096;
        }
        ServerVerb::Start | ServerVerb::Restart => report.state = ServerState::Running,
        ServerVerb::Stop => {
            report.state = ServerState::Stopped;
            report.stopped_by = Some("command stop after 0.1 s".to_owned());
        }
        ServerVerb::Kill => {
            report.state = ServerState::Stopped;
            report.stopped_by = Some("SIGKILL after 0.0 s".to_owned());
        }
        ServerVerb::Configure | ServerVerb::Command { .. } | ServerVerb::Delete => {}
    }
    report.clone()
}

/// The lines of a console after a number.
pub(super) fn console(words: &Words, wanted: &ConsoleWanted, now: Timestamp) -> Reply {
    let newest = u64::try_from(words.console.len()).unwrap_or(u64::MAX);
    let after = wanted.after.unwrap_or_else(|| newest.saturating_sub(u64::from(wanted.lines)));
    let lines = (1..).zip(&words.console).filter(|(sequence, _)| *sequence > after).take(usize::from(wanted.lines));
    let line =
        |(sequence, text): (u64, &String)| LogLine { sequence, at: now, stream: Stream::Tty, text: text.clone() };
    Reply::Console(Box::new(ConsoleChunk { lines: lines.map(line).collect(), oldest: 1, newest }))
}

/// The files that servers of a simulated node have.
pub(super) fn file(words: &Words, look: &FileLook, now: Timestamp) -> Reply {
    let entry = |name: &str, text: &str| {
        let (name, kind, bytes) = (name.to_owned(), EntryKind::File, text.len() as u64);
        FileEntry { name, kind, bytes, mode: 0o644, modified: now, links: 1, denied: false }
    };
    let missing = || Reply::Fault(Fault::new(ErrorKind::NotFound, "file.not_found", "It is not there."));
    let seen = match look {
        FileLook::Read { path, .. } => {
            let Some(text) = words.files.get(path) else { return missing() };
            let (content, _) = FileContent::of(text.as_bytes());
            FilesSeen::Piece(FilePiece { content, next: None, entry: entry(path, text), hash: None })
        }
        FileLook::Stat { path } => {
            let Some(text) = words.files.get(path) else { return missing() };
            FilesSeen::Entry(entry(path, text))
        }
        FileLook::List { path, .. } if path.is_empty() => {
            let entries: Vec<_> = words.files.iter().map(|(name, text)| entry(name, text)).collect();
            let total = entries.len().try_into().unwrap_or_default();
            FilesSeen::Listing(FolderPage { entries, next: None, total })
        }
        FileLook::Uploads => FilesSeen::Uploads(Vec::new()),
        _ => return missing(),
    };
    Reply::ServerFiles(Box::new(seen))
}
