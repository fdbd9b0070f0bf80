//! The mode `serverflow-agent shim --spec FILE`: one tiny process per app process, which outlives the daemon.
//!
//! It holds the app's process, its pipes or terminal, and its log; starts it again after a crash; stops it on
//! request. One thread, no async runtime, at most 2 MB of its own. It ends when it has nothing to look after any
//! more: the app was stopped, or crashed too often. The daemon may come and go meanwhile and finds it by the lock in
//! its run folder.
//!
//! Start reading at [`spec`] (what it is told), [`state`] (what it says), then `serve` (the loop).

pub mod attend;
mod client;
pub(crate) mod crash;
mod ending;
pub(crate) mod flood;
mod input;
pub mod log;
mod ready;
mod serve;
mod spawn;
pub mod spec;
pub mod state;
pub(crate) mod values;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::process::detach::{self, EXIT_FAILED, EXIT_HELD, EXIT_SPEC};
use crate::process::folder::{Held, RunFolder, SPEC};

pub use flood::{LOG_BURST_BYTES, LOG_BYTES_PER_SECOND};
pub use input::WAITING_BYTES as INPUT_WAITING_BYTES;
pub use ready::{ReadyRule, without_escapes};
pub use spec::{SPEC_VERSION, ShimSpec, StopRule};
pub use state::{Exit, How, Message, Request, Status, Stopped};

/// What a panic has to say ends up here, in the run folder.
const ERRORS: &str = "shim.err";

/// Runs a shim for the specification at `spec`, whose folder becomes its run folder. Returns in the launcher when
/// the app's process is started or could not be, and in the shim itself when its work is over.
///
/// Call it first thing in `main`: it forks.
pub fn main(spec: &Path) -> ExitCode {
    let Some(folder) = spec.canonicalize().ok().and_then(|path| path.parent().map(RunFolder::at)) else {
        eprintln!("{} is not there", spec.display());
        return ExitCode::from(EXIT_SPEC);
    };
    let values = match folder.read::<ShimSpec>(SPEC).ok().flatten().map(|spec| values::read(&spec)) {
        Some(Err(error)) => {
            eprintln!("{error}");
            return ExitCode::from(EXIT_SPEC);
        }
        Some(Ok(values)) => values,
        // Why, is found out below.
        None => Vec::new(),
    };
    let launch = match detach::detach(&folder.path().join(ERRORS)) {
        Ok(launch) => launch,
        Err(code) => return code,
    };
    match prepare(&folder) {
        Ok((held, spec)) => serve::run(folder, held, (spec, values), launch),
        Err((code, reason)) => {
            launch.failed(code, &reason);
            ExitCode::from(code)
        }
    }
}

fn prepare(folder: &RunFolder) -> Result<(Held, ShimSpec), (u8, String)> {
    let failed = |error: io::Error| (EXIT_FAILED, error.to_string());
    let held = folder.hold().map_err(failed)?.ok_or((EXIT_HELD, "another shim holds this process".to_owned()))?;
    let spec: ShimSpec = folder
        .read(SPEC)
        .map_err(|error| (EXIT_SPEC, format!("the specification cannot be read: {error}")))?
        .ok_or((EXIT_SPEC, "there is no specification".to_owned()))?;
    match spec.defect() {
        Some(defect) => Err((EXIT_SPEC, format!("the specification is refused: {defect}"))),
        None => Ok((held, spec)),
    }
}
