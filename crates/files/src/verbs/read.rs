//! Reading files.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use sf_types::ContentHash;
use sha2::{Digest, Sha256};

use crate::{Cancel, Entry, FileFault, Tree, TreePath};

/// A part of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Its bytes; fewer than asked for where the file ends.
    pub bytes: Vec<u8>,
    /// How the file is at this moment.
    pub entry: Entry,
}

/// A file that can be read to its end, wherever its name goes meanwhile.
#[derive(Debug)]
pub struct Opened {
    /// Its content.
    pub file: File,
    /// How it was when it was opened.
    pub entry: Entry,
}

impl Tree {
    /// Bytes that [`Tree::read`] answers at once.
    pub const READ_MAX: usize = 1024 * 1024;

    /// Bytes of a file from `offset` on, at most `bytes` and [`Tree::READ_MAX`].
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn read(&self, path: &TreePath, offset: u64, bytes: usize) -> Result<Piece, FileFault> {
        let opened = self.open_file(path)?;
        let mut piece = vec![0; bytes.min(Self::READ_MAX)];
        let mut filled = 0;
        // An offset far behind the end is one that the kernel refuses.
        while filled < piece.len() && offset <= opened.entry.bytes {
            match opened.file.read_at(&mut piece[filled..], offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FileFault::io(&path.to_bytes(), error)),
            }
        }
        piece.truncate(filled);
        Ok(Piece { bytes: piece, entry: opened.entry })
    }

    /// The whole of a file that is small enough: the configuration that is edited.
    ///
    /// # Errors
    /// [`FileFault::TooLarge`] beyond `most` bytes, also where it grows meanwhile.
    pub fn read_whole(&self, path: &TreePath, most: u64) -> Result<Vec<u8>, FileFault> {
        let opened = self.open_file(path)?;
        let too_large = || FileFault::TooLarge { what: path.to_string(), limit: most };
        if opened.entry.bytes > most {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let read = opened.file.take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| FileFault::io(&path.to_bytes(), error))?;
        if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
    }

    /// A file, opened for a download.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn open_file(&self, path: &TreePath) -> Result<Opened, FileFault> {
        self.allow(path)?;
        let (file, facts) = self.file(path)?;
        Ok(Opened { file, entry: facts.entry(path.names().last().cloned(), false) })
    }

    /// What is in a file.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn hash(&self, path: &TreePath, cancel: &Cancel) -> Result<ContentHash, FileFault> {
        hash_of(self.open_file(path)?.file, &path.to_bytes(), cancel)
    }
}

/// Reads on to the end.
pub(crate) fn hash_of(mut file: File, path: &[u8], cancel: &Cancel) -> Result<ContentHash, FileFault> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        cancel.check()?;
        match file.read(&mut buffer) {
            Ok(0) => return Ok(ContentHash::from_bytes(hasher.finalize().into())),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FileFault::io(path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::verbs::tests::Bench;

    #[test]
    fn a_range_is_what_is_there_of_it() {
        let bench = Bench::new();
        bench.put("a", "0123456789");
        let path = "a".parse().unwrap();
        for (offset, bytes, read) in
            [(0, 4, "0123"), (8, 4, "89"), (10, 4, ""), (u64::MAX >> 1, 1, ""), (0, usize::MAX, "0123456789")]
        {
            let piece = bench.tree().read(&path, offset, bytes).unwrap();
            assert_eq!((String::from_utf8(piece.bytes).unwrap().as_str(), piece.entry.bytes), (read, 10));
        }
        assert_eq!(bench.tree().read_whole(&path, 10).unwrap().len(), 10);
        assert_eq!(bench.tree().read_whole(&path, 9).unwrap_err().code(), "file.too_large");
    }

    #[test]
    fn nothing_but_a_file_is_opened() {
        let bench = Bench::with(|options| options.denied = crate::Denied::parse(&["secret*"]));
        // Opening it would wait for a writer for ever.
        bench.fifo("fifo");
        bench.put("secret/a", "x");
        std::os::unix::fs::symlink("/etc/passwd", bench.path("link")).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(bench.path("socket")).unwrap();
        for (path, code) in [
            ("fifo", "file.special"),
            ("socket", "file.special"),
            ("link", "file.link"),
            ("secret/a", "file.denied"),
            ("secret", "file.denied"),
            ("", "file.is_a_folder"),
        ] {
            assert_eq!(bench.tree().read(&path.parse().unwrap(), 0, 1).unwrap_err().code(), code, "{path}");
        }
        drop(socket);
    }
}
