//! Packing while somebody reads: nothing is staged, so that what is taken away needs no room.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Compressed;
use super::tar::TarWriter;
use crate::resolve::file_in;
use crate::walk::{Met, Then, Visit, Walk};
use crate::{Cancel, FileFault, Kind, Tree, TreePath};

impl Tree {
    /// Writes everything in a folder as a tar archive in gzip. What may not be touched by hand, links, fifos and the like
    /// are left out and counted. A file that changes meanwhile is packed as it is read.
    ///
    /// # Errors
    /// [`FileFault`], also where `to` takes no more; what was written is no whole archive then.
    pub fn pack(&self, top: &TreePath, to: &mut dyn Write, cancel: &Cancel) -> Result<Compressed, FileFault> {
        self.allow(top)?;
        let (above, path) = (self.folder(top.names())?, top.to_bytes());
        let mut packing = Packing {
            tree: self,
            tar: TarWriter::new(GzEncoder::new(Counted { to, written: 0 }, Compression::fast())),
            cut: if top.is_root() { 0 } else { path.len() + 1 },
            done: Compressed::default(),
        };
        Walk::new(above, &path)?.all(cancel, &mut |visit| match visit {
            Visit::Leave => Ok(Then::Pass),
            Visit::Entry(met) => packing.one(&met, cancel),
        })?;
        let Packing { mut tar, mut done, .. } = packing;
        let ended = tar.end().and_then(|()| tar.into_inner().finish());
        done.archive_bytes = ended.map_err(|error| FileFault::io(b"(archive)", error))?.written;
        Ok(done)
    }
}

struct Counted<'a> {
    to: &'a mut dyn Write,
    written: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

struct Packing<'a> {
    tree: &'a Tree,
    tar: TarWriter<GzEncoder<Counted<'a>>>,
    /// Bytes of a path that are not in the archive.
    cut: usize,
    done: Compressed,
}

impl Packing<'_> {
    fn one(&mut self, met: &Met<'_>, cancel: &Cancel) -> Result<Then, FileFault> {
        cancel.check()?;
        let is_left_out = self.tree.options.denied.denies(met.path) || met.deep;
        let (name, facts) = (&met.path[self.cut..], met.facts);
        let written = match facts.kind {
            Kind::Folder if !is_left_out => self.tar.folder(name, facts.mode, facts.modified.0),
            Kind::File if !is_left_out => match file_in(met.parent, met.name.to_bytes(), met.path) {
                Ok((mut file, facts)) => {
                    self.done.bytes += facts.bytes;
                    self.tar.file(name, facts.mode, facts.modified.0, facts.bytes, &mut file)
                }
                // It was a file a moment ago.
                Err(FileFault::NotFound { .. } | FileFault::Link { .. } | FileFault::Special { .. }) => {
                    return Ok(Then::Pass);
                }
                Err(other) => return Err(other),
            },
            _ => {
                self.done.skipped += 1;
                return Ok(Then::Pass);
            }
        };
        written.map_err(|error| FileFault::io(met.path, error))?;
        self.done.entries += 1;
        Ok(if facts.kind == Kind::Folder { Then::Enter } else { Then::Pass })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    #[test]
    fn a_folder_is_packed_without_what_is_denied_or_leads_out() {
        let bench = Bench::with(|options| options.denied = crate::Denied::parse(&["*.key".to_owned()]));
        bench.put("a/b/c.txt", "see");
        bench.put("a/secret.key", "hidden");
        std::os::unix::fs::symlink("/etc/passwd", bench.path("a/link")).unwrap();
        bench.put("beside", "not in it");
        let (mut bytes, cancel) = (Vec::new(), Cancel::new());
        let done = bench.tree().pack(&"a".parse().unwrap(), &mut bytes, &cancel).unwrap();
        assert_eq!((done.entries, done.bytes, done.skipped), (2, 3, 2));
        assert_eq!(done.archive_bytes, bytes.len() as u64);
        let mut plain = Vec::new();
        io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*bytes), &mut plain).unwrap();
        let has = |text: &str| plain.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has("b/c.txt") && has("see") && !has("hidden") && !has("root:") && !has("not in it"));
        let full = bench.tree().pack(&"a".parse().unwrap(), &mut &mut [0_u8; 16][..], &cancel);
        assert!(full.is_err(), "{full:?}");
        bench.is_clean();
    }
}
