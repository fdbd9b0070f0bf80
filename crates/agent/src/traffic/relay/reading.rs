//! A file read piece by piece without ever holding up the loop: what is in the page cache is taken at once, anything
//! else is fetched by a helper thread.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::Bytes;
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::task::JoinHandle;

use super::limits::FILE_CHUNK_BYTES;

/// A file on its way to a client.
#[derive(Debug)]
pub struct Reading {
    file: Arc<File>,
    offset: u64,
    left: u64,
    fetching: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Reading {
    /// Reads the first `length` bytes of `file`.
    pub fn new(file: File, length: u64) -> Self {
        Self { file: Arc::new(file), offset: 0, left: length, fetching: None }
    }

    /// Bytes still to come.
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// The next piece; `None` after the last.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.left).unwrap_or(FILE_CHUNK_BYTES).min(FILE_CHUNK_BYTES);
        let piece = match &mut self.fetching {
            Some(fetching) => ready!(Pin::new(fetching).poll(cx)).map_err(io::Error::other).flatten(),
            None => match cached(&self.file, self.offset, wanted) {
                Some(piece) => piece,
                None => {
                    let (file, offset) = (self.file.clone(), self.offset);
                    let fetching = tokio::task::spawn_blocking(move || fetch(&file, offset, wanted));
                    self.fetching = Some(fetching);
                    return self.poll(cx);
                }
            },
        };
        self.fetching = None;
        // A file that became shorter cannot be finished; the client has to notice.
        let piece = piece.and_then(|piece| if piece.is_empty() { Err(short()) } else { Ok(piece) });
        match &piece {
            Ok(piece) => {
                self.offset += piece.len() as u64;
                self.left = self.left.saturating_sub(piece.len() as u64);
            }
            Err(_) => self.left = 0,
        }
        Poll::Ready(Some(piece))
    }
}

fn short() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// What is in the page cache at `offset`; `None` when the disk, or a file system that cannot say, has to be asked.
fn cached(file: &File, offset: u64, wanted: usize) -> Option<io::Result<Bytes>> {
    let mut chunk = vec![0; wanted];
    match preadv2(file, &mut [IoSliceMut::new(&mut chunk)], offset, ReadWriteFlags::NOWAIT) {
        Ok(0) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR) => None,
        Ok(read) => {
            chunk.truncate(read);
            Some(Ok(chunk.into()))
        }
        Err(error) => Some(Err(error.into())),
    }
}

fn fetch(file: &File, offset: u64, wanted: usize) -> io::Result<Bytes> {
    let mut chunk = vec![0; wanted];
    loop {
        match file.read_at(&mut chunk, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(read) => {
                chunk.truncate(read);
                return Ok(chunk.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    async fn read(file: File, length: u64) -> (Vec<u8>, Option<io::ErrorKind>) {
        let (mut reading, mut all) = (Reading::new(file, length), Vec::new());
        while let Some(piece) = std::future::poll_fn(|cx| reading.poll(cx)).await {
            match piece {
                Ok(piece) => all.extend_from_slice(&piece),
                Err(error) => return (all, Some(error.kind())),
            }
        }
        (all, None)
    }

    #[tokio::test]
    async fn a_file_is_whole_from_the_cache_and_from_the_disk() {
        let (mut file, path) = tempfile::NamedTempFile::new().unwrap().into_parts();
        let text: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
        file.write_all(&text).unwrap();
        file.sync_all().unwrap();
        for cold in [false, true] {
            if cold {
                rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
            }
            let (got, error) = read(File::open(&path).unwrap(), text.len() as u64).await;
            assert!(got == text && error.is_none(), "cold: {cold}");
        }
        let (got, error) = read(File::open(&path).unwrap(), text.len() as u64 + 5).await;
        assert_eq!((got.len(), error), (text.len(), Some(io::ErrorKind::UnexpectedEof)));
    }
}
