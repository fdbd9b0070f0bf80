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

/// The one line that every console has.
pub(super) fn console(wanted: &ConsoleWanted, now: Timestamp) -> Reply {
    let line = LogLine { sequence: 1, at: now, stream: Stream::Tty, text: "hello".to_owned() };
    let lines = if wanted.after.unwrap_or(0) == 0 && wanted.lines > 0 { vec![line] } else { Vec::new() };
    Reply::Console(Box::new(ConsoleChunk { lines, oldest: 1, newest: 1 }))
}

/// The one file that servers of a simulated node have: `motd.txt`.
pub(super) fn file(look: &FileLook, now: Timestamp) -> Reply {
    const TEXT: &[u8] = b"hello\n";
    let bytes = TEXT.len() as u64;
    let (name, kind) = ("motd.txt".to_owned(), EntryKind::File);
    let entry = FileEntry { name, kind, bytes, mode: 0o644, modified: now, links: 1, denied: false };
    let seen = match look {
        FileLook::Read { path, .. } if *path == entry.name => {
            let (content, _) = FileContent::of(TEXT);
            FilesSeen::Piece(FilePiece { content, next: None, entry, hash: None })
        }
        FileLook::Stat { path } if *path == entry.name => FilesSeen::Entry(entry),
        FileLook::List { path, .. } if path.is_empty() => {
            FilesSeen::Listing(FolderPage { entries: vec![entry], next: None, total: 1 })
        }
        FileLook::Uploads => FilesSeen::Uploads(Vec::new()),
        _ => return Reply::Fault(Fault::new(ErrorKind::NotFound, "file.not_found", "It is not there.")),
    };
    Reply::ServerFiles(Box::new(seen))
}
