//! A text in a person's own editor.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use sf_runtime::{Clock, Rng, env};
use sf_types::RequestId;

use crate::failure::{Exit, Failure};

/// What is run where nobody says otherwise.
const USUAL: &str = "vi";

/// Opens `$VISUAL` or `$EDITOR` on a copy of `text`, which only its owner can read; answers what it is afterwards.
///
/// # Errors
/// An editor that cannot be started or fails; a file that cannot be written or read.
pub async fn edit(path: &str, text: &str) -> Result<String, Failure> {
    let copy = Copy::new(path, text)?;
    let said = env::var("VISUAL").or_else(|| env::var("EDITOR")).filter(|said| !said.trim().is_empty());
    let said = said.unwrap_or_else(|| USUAL.to_owned());
    // As git does without a shell: words, the first one the program.
    let mut words = said.split_whitespace();
    let program = words.next().unwrap_or(USUAL);
    let ended = tokio::process::Command::new(program).args(words).arg(&copy.0).status().await;
    let ended = ended.map_err(|error| {
        Failure::new(Exit::Failed, "cli.editor", format!("The editor {program} cannot be started: {error}."))
            .fix("Name one: EDITOR=nano")
    })?;
    if !ended.success() {
        return Err(Failure::new(
            Exit::Failed,
            "cli.editor",
            format!("The editor ended with {ended}; nothing was sent."),
        ));
    }
    std::fs::read_to_string(&copy.0).map_err(|error| Failure::file(&copy.0, &error))
}

/// A file that goes when it is not needed any more: what is edited may hold secrets.
struct Copy(PathBuf);

impl Copy {
    fn new(path: &str, text: &str) -> Result<Self, Failure> {
        let id: RequestId = Rng::system().id(&Clock::system());
        let name = path.rsplit('/').next().unwrap_or(path);
        // Its ending tells the editor the language.
        let file = std::env::temp_dir().join(format!("serverflow-{id}-{name}"));
        let made: std::io::Result<File> = File::options().write(true).create_new(true).mode(0o600).open(&file);
        made.and_then(|mut made| made.write_all(text.as_bytes())).map_err(|error| Failure::file(&file, &error))?;
        Ok(Self(file))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}
