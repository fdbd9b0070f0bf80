//! Starting a holder and waiting until it stands.

use std::path::Path;
use std::time::Duration;

use sf_runtime::child::Child;
use sf_types::Secret;

use super::detach::{EXIT_FAILED, EXIT_READY};
use super::folder::RunFolder;

/// Longest wait for a holder to stand.
pub const LAUNCH_LIMIT: Duration = Duration::from_secs(20);

/// Why a holder does not stand.
#[derive(Debug)]
pub struct LaunchFailure {
    /// One of the exit codes of [`super::detach`].
    pub code: u8,
    /// For people.
    pub reason: String,
}

/// Starts `program mode --spec FOLDER/spec.json`, with `input` on its standard input, and waits for the launcher to
/// end, which it does as soon as the holder stands or has failed.
pub async fn launch(
    program: &Path,
    mode: &str,
    folder: &RunFolder,
    input: Option<Secret<Vec<u8>>>,
) -> Result<(), LaunchFailure> {
    let failed = |reason| LaunchFailure { code: EXIT_FAILED, reason };
    let mut launcher = Child::new(program).arg(mode).arg("--spec").arg(folder.spec()).current_dir("/");
    if let Some(input) = input {
        launcher = launcher.input(input);
    }
    let done = launcher.finish(LAUNCH_LIMIT).await.map_err(|error| failed(error.to_string()))?;
    match done.status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(EXIT_READY) => Ok(()),
        code => {
            let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            let reason = if said.is_empty() { format!("its launcher ended with {}", done.status) } else { said };
            Err(LaunchFailure { code: code.unwrap_or(EXIT_FAILED), reason })
        }
    }
}
