//! The mode `serverflow-agent relay --spec FILE`: one small process per app, which outlives the daemon and holds the
//! app's stable port.
//!
//! HTTP apps are proxied request by request, so that a switch to another release takes effect with the next request
//! while those in flight finish on the old one, and a drain counts exactly; anything else is proxied connection by
//! connection. A static site needs no process of its own: the relay serves its folder. What it points at is on disk,
//! so that a relay that was killed goes on where it was.
//!
//! Once it listens it is confined as its specification says: as root's agent has it, it runs as a user of its own, in
//! reach of nothing but the releases of its app.
//!
//! Start reading at [`spec`], then `gate` (where a switch happens), then `http`.

mod body;
mod crowd;
mod files;
mod gate;
mod handle;
mod http;
mod kept;
pub mod limits;
mod page;
mod pool;
mod reading;
mod serve;
pub mod spec;
mod tcp;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::process::detach::{self, EXIT_FAILED, EXIT_HELD, EXIT_SPEC};
use crate::process::folder::{Held, RunFolder, SPEC};

pub use handle::{Options, RelayError, Relays};
pub use spec::{Drained, Pointer, RelaySpec, RelayStatus, SPEC_VERSION, Target};

/// Where requests go, among what is kept.
const POINTER: &str = "pointer.json";
/// Whether a proxy on this machine is believed, among what is kept.
const TRUST: &str = "trust.json";
/// What a panic has to say ends up here, in the run folder.
const ERRORS: &str = "relay.err";

/// Runs a relay for the specification at `spec`, whose folder becomes its run folder. Returns in the launcher when
/// the relay listens or could not, and in the relay itself when it was told to end.
///
/// Call it first thing in `main`: it forks.
pub fn main(spec: &Path) -> ExitCode {
    let Some(folder) = spec.canonicalize().ok().and_then(|path| path.parent().map(RunFolder::at)) else {
        eprintln!("{} is not there", spec.display());
        return ExitCode::from(EXIT_SPEC);
    };
    let launch = match detach::detach(&folder.path().join(ERRORS)) {
        Ok(launch) => launch,
        Err(code) => return code,
    };
    match prepare(&folder) {
        Ok((held, spec)) => serve::run(&folder, held, spec, launch),
        Err((code, reason)) => {
            launch.failed(code, &reason);
            ExitCode::from(code)
        }
    }
}

fn prepare(folder: &RunFolder) -> Result<(Held, RelaySpec), (u8, String)> {
    let failed = |error: io::Error| (EXIT_FAILED, error.to_string());
    let held = folder.hold().map_err(failed)?.ok_or((EXIT_HELD, "another relay holds this port".to_owned()))?;
    let spec: RelaySpec = folder
        .read(SPEC)
        .map_err(|error| (EXIT_SPEC, format!("the specification cannot be read: {error}")))?
        .ok_or((EXIT_SPEC, "there is no specification".to_owned()))?;
    if spec.version == SPEC_VERSION {
        Ok((held, spec))
    } else {
        Err((EXIT_SPEC, format!("the specification has version {}, this program reads {SPEC_VERSION}", spec.version)))
    }
}
