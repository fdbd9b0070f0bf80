//! What a node is ordered to do with a server's files. No row changes by it, and no generation is raised.

use sf_actions::file::FileAction;
use sf_protocol::order::Order;
use sf_protocol::server::{FileAction as Ordered, FileVerb};
use sf_types::{ErrorKind, Fault, FileState, Millis};

use crate::rehearsal::Told;

/// The order that an action gives.
pub(super) fn order(action: &FileAction) -> Result<Order, Fault> {
    let verb = action.verb().map_err(|refused| {
        let fault = Fault::new(ErrorKind::Invalid, "value.refused", refused.to_string());
        fault.fix("Correct what was asked for.")
    })?;
    // The node says how it ended before the run's own time is over.
    let time_limit = Millis(u64::try_from(action.spec().time_limit.as_millis()).unwrap_or(u64::MAX) * 3 / 4);
    Ok(Order::FileAction(Box::new(Ordered { server: action.server(), verb, time_limit })))
}

/// What it would do, for people. Paths are quoted, so that nobody takes one for words of ours.
pub(super) fn told(verb: &FileVerb, name: &str) -> Told {
    let mut told = Told::default();
    let steps = &mut told.steps;
    match verb {
        FileVerb::Write { path, content, before } => {
            let bytes = content.bytes().map_or(0, |bytes| bytes.len() as u64);
            steps.push(format!("Write {} to {path:?} of `{name}`", sf_types::ByteSize(bytes)));
            steps.push(match before {
                Some(FileState::Absent) => "Refuse it where a file is there by then".to_owned(),
                Some(FileState::Is(_)) => "Refuse it where the file was changed since it was read".to_owned(),
                None => "Replace whatever file is there by then".to_owned(),
            });
            if before.is_none() {
                told.losses.push(format!("what is in {path:?} of `{name}`, if it is there"));
            }
        }
        FileVerb::Folder { path, .. } => steps.push(format!("Make the folder {path:?} of `{name}`")),
        FileVerb::Rename { from, to } => steps.push(format!("Move {from:?} of `{name}` to {to:?}, where nothing is")),
        FileVerb::Copy { from, to } => steps.push(format!("Copy {from:?} of `{name}` to {to:?}, where nothing is")),
        FileVerb::Delete { paths } => {
            steps.push(format!("Delete {} of `{name}`", counted(paths.len())));
            told.losses.extend(paths.iter().map(|path| format!("{path:?} of `{name}` and all that is in it")));
        }
        FileVerb::Mode { path, mode } => steps.push(format!("Set the mode of {path:?} of `{name}` to {mode:03o}")),
        FileVerb::Compress { folder, names, into } => {
            let folder = format!("/{folder}");
            steps.push(format!("Pack {} in {folder:?} of `{name}` into {into:?}", counted(names.len())));
        }
        FileVerb::Extract { path, into, replace } => {
            let folder = format!("/{into}");
            steps.push(format!("Unpack all of {path:?} of `{name}` in {folder:?}, or nothing"));
            if *replace {
                told.losses.push("files there that have the name of one in the archive".to_owned());
            }
        }
        FileVerb::Upload { path, bytes, replace, .. } => {
            let bytes = sf_types::ByteSize(*bytes);
            steps.push(format!("Begin an upload of {bytes} that is to be {path:?} of `{name}`"));
            if *replace {
                told.losses
                    .push(format!("what is in {path:?} of `{name}` when the upload is finished, if it is there"));
            }
        }
        FileVerb::Finish { hash, before, .. } => {
            steps.push(format!("Show what was uploaded at its place among the files of `{name}`"));
            if hash.is_some() {
                steps.push("Refuse it where its content is not the one that was announced".to_owned());
            }
            if before.is_some() {
                steps.push("Refuse it where its place is not as it was seen".to_owned());
            }
        }
        FileVerb::Abort { .. } => steps.push(format!("Remove what was uploaded to `{name}` and not finished")),
    }
    told
}

fn counted(entries: usize) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}
