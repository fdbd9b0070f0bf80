//! What is said on a simulated node: lines of consoles, and what is in files. Whoever writes them may be anybody.

use std::collections::BTreeMap;

use sf_protocol::patch::{
    Edit, FileChunk, FileEntry, FileListing, FilesWanted, Preview, Proposed, Syntax, SyntaxVerdict,
};
use sf_protocol::query::Reply;
use sf_types::{AppId, ContentHash, ErrorKind, Fault, FilePath, FileState, ReleaseId};
use sha2::{Digest, Sha256};

use super::SimNode;

/// What every console and every folder of a simulated node holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// Lines of consoles, the oldest first.
    pub console: Vec<String>,
    /// Text by path: of servers, and of the live release of apps.
    pub files: BTreeMap<String, String>,
}

impl Default for Words {
    fn default() -> Self {
        let files = BTreeMap::from([("motd.txt".to_owned(), "hello\n".to_owned())]);
        Self { console: vec!["hello".to_owned()], files }
    }
}

impl SimNode {
    /// From now on its consoles and files say this.
    pub fn says(&self, words: Words) {
        self.memory().words = words;
    }

    fn deployed(&self, app: AppId) -> Result<ReleaseId, Box<Fault>> {
        let live = self.memory().apps.get(&app).and_then(|app| app.live);
        live.ok_or_else(|| Box::new(Fault::new(ErrorKind::Conflict, "app.never_deployed", "It was never deployed.")))
    }

    pub(super) fn files(&self, wanted: &FilesWanted) -> Reply {
        let release = match self.deployed(wanted.app) {
            Ok(release) => release,
            Err(fault) => return Reply::Fault(*fault),
        };
        let words = self.memory().words.clone();
        let part = wanted.search.as_deref().unwrap_or_default().to_lowercase();
        let fits = words.files.iter().filter(|(path, _)| path.to_lowercase().contains(&part));
        let entry =
            |(path, text): (&String, &String)| Some(FileEntry { path: path.parse().ok()?, size: text.len() as u64 });
        Reply::Files(Box::new(FileListing { release, files: fits.filter_map(entry).collect(), more: false }))
    }

    pub(super) fn file(&self, app: AppId, path: &FilePath) -> Reply {
        let release = match self.deployed(app) {
            Ok(release) => release,
            Err(fault) => return Reply::Fault(*fault),
        };
        let text = self.memory().words.files.get(path.as_str()).cloned();
        let state = text.as_deref().map_or(FileState::Absent, state);
        let text = text.unwrap_or_default();
        let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Reply::File(Box::new(FileChunk { release, state, size, text, next: None }))
    }

    pub(super) fn preview(&self, proposed: &Proposed) -> Reply {
        let release = match self.deployed(proposed.app) {
            Ok(release) => release,
            Err(fault) => return Reply::Fault(*fault),
        };
        let old = self.memory().words.files.get(proposed.path.as_str()).cloned();
        let before = old.as_deref().map_or(FileState::Absent, state);
        let old = old.unwrap_or_default();
        let new = match &proposed.edit {
            Edit::Write { from, to, text } => {
                let at = |byte: u32| (byte as usize).min(old.len());
                let (from, to) = (at(*from), to.map_or(old.len(), at));
                format!("{}{text}{}", &old[..from], &old[to..])
            }
            Edit::Delete => String::new(),
        };
        let lines = |mark: char, text: &str| text.lines().map(|line| format!("{mark}{line}\n")).collect::<String>();
        let count = |text: &str| u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        let size = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Reply::Preview(Box::new(Preview {
            release,
            before,
            after: state(&new),
            size_before: size(&old),
            size_after: size(&new),
            added: count(&new),
            removed: count(&old),
            diff: format!("{}{}", lines('-', &old), lines('+', &new)),
            diff_cut: false,
            syntax: Syntax { verdict: SyntaxVerdict::Unchecked, language: None, findings: Vec::new(), reason: None },
        }))
    }
}

fn state(text: &str) -> FileState {
    FileState::Is(ContentHash::from_bytes(Sha256::digest(text.as_bytes()).into()))
}
