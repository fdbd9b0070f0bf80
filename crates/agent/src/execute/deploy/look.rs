//! Watching a process that is new, or reads something new.

use std::time::Duration;

use sf_protocol::app::{HealthCheck, Probe};
use sf_types::{ErrorKind, Fault, Millis, Port};

use crate::health::probe;
use crate::process::Process;
use crate::shim::log::LogReader;
use crate::shim::state::Status;

/// Pause between two looks at a release that is watched.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Failed looks in a row after which it is taken back.
const LOOKS_FAILED: u32 = 2;
/// A look at a watched release may take this long.
const LOOK_LIMIT: Millis = Millis::secs(2);
/// Last lines of a log that are told with a failure.
const LAST_LINES: usize = 5;

/// Ends with the reason why what is watched cannot stay: the process ended, also where its shim starts it again, or it
/// failed its check twice in a row.
pub async fn look(check: Option<HealthCheck>, own: Option<u16>, process: &Process) -> Fault {
    let port = own.and_then(|port| Port::try_from(port).ok());
    let check = check.map(|check| HealthCheck { within: LOOK_LIMIT, each_try: LOOK_LIMIT, ..check });
    let repeats = |check: &HealthCheck| matches!(check.probe, Probe::Http { .. } | Probe::Tcp) && port.is_some();
    let begun = process.status();
    let ended = async {
        let mut watched = process.watch();
        let over = |status: &Status| status.ended || status.exits.last() != begun.exits.last();
        let status = match watched.wait_for(over).await {
            Ok(status) => status.clone(),
            Err(_) => process.status(),
        };
        let what = status.last_exit().map_or_else(|| status.reason.clone(), |exit| format!("The process {exit}"));
        let fault = Fault::new(ErrorKind::Invalid, "deploy.crashed", format!("{what} while it was watched."));
        with_last_lines(fault.fix("The log of the release says why."), process)
    };
    let unwell = async {
        let Some(check) = check.filter(repeats) else { return std::future::pending().await };
        let mut failed = 0;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match probe(&check, port, process).await {
                Ok(_) => failed = 0,
                Err(error) => {
                    failed += 1;
                    if failed >= LOOKS_FAILED {
                        return with_last_lines(error.into(), process);
                    }
                }
            }
        }
    };
    tokio::select! {
        // A process that has ended also fails its check; how it ended says more.
        biased;
        fault = ended => fault,
        fault = unwell => fault,
    }
}

/// Tells the last words of a process with the failure.
pub fn with_last_lines(mut fault: Fault, process: &Process) -> Fault {
    let last = process.status().log.last;
    let from = (last + 1).saturating_sub(LAST_LINES as u64);
    let batch = LogReader::from(process.log_dir(), from).read(LAST_LINES).unwrap_or_default();
    let ours = |line: &&sf_protocol::report::LogLine| line.stream != sf_protocol::report::Stream::Note;
    let said = batch.lines.iter().filter(ours).map(|line| cut(line.text.trim()));
    let words: Vec<_> = said.filter(|words| !words.is_empty()).collect();
    if !words.is_empty() {
        fault.message = format!("{} Its last words: {}", fault.message, words.join(" | "));
    }
    fault
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}
