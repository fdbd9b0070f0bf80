//! Questions about the files of a live release: which there are, what is in one, what a change would do.

use sf_protocol::patch::{CHUNK_JSON_BYTES_MAX, FileChunk, FileListing, FilesWanted, Preview, Proposed};
use sf_types::{AppId, ErrorKind, Fault, FilePath};

use super::super::app::disk;
use super::super::node::Node;
use crate::daemon::aside;
use crate::patching::change::fitting;
use crate::patching::syntax::unchecked;
use crate::patching::{self, Found, list};

impl Node {
    /// A page of the files of the live release.
    pub(in super::super) async fn files(&self, wanted: &FilesWanted) -> Result<FileListing, Fault> {
        let live = self.live_release(wanted.app)?;
        let (tree, wanted) = (live.tree(), wanted.clone());
        let listed = aside::short(move || {
            let (search, after) = (wanted.search.as_deref(), wanted.after.as_ref());
            list::list(&tree, search, after, wanted.dependencies).map_err(|error| disk(&tree, &error))
        });
        let (files, more) = listed.await?;
        Ok(FileListing { release: live.manifest.release, files, more })
    }

    /// A piece of a file.
    pub(in super::super) async fn file(&self, app: AppId, path: &FilePath, from: u32) -> Result<FileChunk, Fault> {
        let live = self.live_release(app)?;
        let (tree, named) = (live.tree(), path.clone());
        let found = aside::short(move || Found::open(&tree, &named)).await?;
        let state = found.state();
        let text = found.text.ok_or_else(|| {
            let message = format!("The live release has no file {path}.");
            Fault::new(ErrorKind::NotFound, "patch.no_file", message).fix("Look at the list of its files.")
        })?;
        let at = usize::try_from(from).unwrap_or(usize::MAX);
        let rest = text.get(at..).ok_or_else(|| {
            let message = format!("Byte {from} is none of {path} where a character begins.");
            Fault::new(ErrorKind::Invalid, "patch.range", message).fix("Ask from the byte that the last answer named.")
        })?;
        let fits = fitting(rest, CHUNK_JSON_BYTES_MAX);
        let next = (fits < rest.len()).then(|| number(at + fits));
        let size = number(text.len());
        Ok(FileChunk { release: live.manifest.release, state, size, text: rest[..fits].to_owned(), next })
    }

    /// What a change would do. Nothing is changed.
    pub(in super::super) async fn preview(&self, proposed: &Proposed) -> Result<Preview, Fault> {
        let live = self.live_release(proposed.app)?;
        let (tree, wanted) = (live.tree(), proposed.clone());
        let worked_out = aside::short(move || {
            let found = Found::open(&tree, &wanted.path)?;
            if let Some(agreed) = wanted.before {
                found.must_be(&wanted.path, agreed)?;
            }
            let changed = patching::apply(&wanted.path, found.text.as_deref(), &wanted.edit)?;
            Ok::<_, Fault>((found.state(), found.text.map_or(0, |text| text.len()), changed))
        });
        let (before, size_before, changed) = worked_out.await?;
        let syntax = match &changed.text {
            Some(text) => self.checker.check(&proposed.path, text).await,
            None => unchecked(None, "the file goes"),
        };
        Ok(Preview {
            release: live.manifest.release,
            before,
            after: changed.after,
            size_before: number(size_before),
            size_after: number(changed.text.map_or(0, |text| text.len())),
            added: changed.added,
            removed: changed.removed,
            diff: changed.diff,
            diff_cut: changed.diff_cut,
            syntax,
        })
    }
}

fn number(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
