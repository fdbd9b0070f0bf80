//! Bytes of files over second connections: an upload's, a file's, a whole folder's. The QUERY says which and is answered at
//! once; the rest goes on aside, as fast as the other side takes or sends, and holds nobody's turn.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sf_files::{Cancel, FileFault, Kind, Tree, TreePath};
use sf_protocol::handshake::Nonce;
use sf_protocol::server::{PIECE_BYTES, Transfer, TransferBegun, TransferEnd, TransferWanted};
use sf_runtime::OnError;
use sf_types::{ErrorKind, Fault, RunId};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::{Place, look, upload, verb};
use crate::daemon::aside;
use crate::daemon::servers::live::{Moved, OnItsWay};
use crate::execute::Node;
use crate::link::LinkError;
use crate::link::second::Second;

/// Second connections at the same time, over all servers.
pub const TRANSFERS_AT_ONCE: usize = 32;
/// The same of one server.
pub const TRANSFERS_OF_A_SERVER: usize = 8;
/// Folders packed at the same time: each keeps a thread for as long as somebody reads.
pub const PACKED_AT_ONCE: usize = 2;
/// Time for one folder.
const PACK_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Bytes read or written at a time.
const DISK_BYTES: usize = 256 * 1024;
/// Pieces of an archive that wait to be sent.
const PIECES_WAITING: usize = 4;

static ROOM: Semaphore = Semaphore::const_new(TRANSFERS_AT_ONCE);
static PACKING: Semaphore = Semaphore::const_new(PACKED_AT_ONCE);

/// What a transfer holds while it lasts.
struct Held {
    way: OnItsWay,
    _room: SemaphorePermit<'static>,
}

/// Part of an upload.
struct Taken {
    tree: Arc<Tree>,
    upload: RunId,
    /// Bytes that are there.
    have: u64,
    /// Bytes there may be when this has ended.
    end: u64,
    buffer: Vec<u8>,
}

impl Node {
    /// Looks, answers what there is, and goes on aside.
    pub(crate) async fn begin_transfer(self: &Arc<Self>, wanted: &TransferWanted) -> Result<TransferBegun, Fault> {
        let (server, ticket) = (wanted.server, wanted.ticket);
        let record = self.servers.known_one(server)?;
        let live = self.servers.live(server);
        let limit = record.spec.limits.disk.map(sf_types::ByteSize::bytes);
        let place = Place::of(&self.servers, &record.spec, self.server_user(server)?, live.quota(limit));
        match &wanted.transfer {
            Transfer::Upload { upload, from, bytes } => {
                let (upload, from) = (*upload, *from);
                let begun = upload::begun(&record, upload)?;
                if live.disk() == 0 {
                    self.count_disk(server).await;
                }
                let (tree, part) = aside::short(move || {
                    let tree = place.open()?;
                    let part = tree.upload(&upload::name(upload))?.ok_or(FileFault::NoUpload)?;
                    Ok::<_, Fault>((Arc::new(tree), part))
                })
                .await?;
                let end = from.saturating_add(*bytes);
                if part.bytes == from && end > begun.bytes {
                    return Err(too_much(begun.bytes));
                }
                if part.bytes == from {
                    let held = self.hold(wanted, Moved::Upload(upload))?;
                    let taken = Taken { tree, upload, have: from, end, buffer: Vec::with_capacity(DISK_BYTES) };
                    self.aside(ticket, held, move |second, held| taken.take_in(second, held));
                }
                Ok(TransferBegun::Upload { have: part.bytes })
            }
            Transfer::File { path, from, bytes } => {
                let path = verb::path(path)?;
                let opened = aside::short(move || Ok::<_, Fault>(place.open()?.open_file(&path)?)).await?;
                let left = opened.entry.bytes.saturating_sub(*from).min(*bytes);
                let (file, from) = (Arc::new(opened.file), *from);
                let held = self.hold(wanted, Moved::Download(ticket))?;
                self.aside(ticket, held, move |second, held| send_file(second, held, file, from, left));
                Ok(TransferBegun::File { entry: Box::new(look::entry(opened.entry)), bytes: left })
            }
            Transfer::Folder { path } => {
                let path = verb::path(path)?;
                let (tree, path) = aside::short(move || Ok::<_, Fault>((folder(place, &path)?, path))).await?;
                let packing = PACKING.try_acquire().map_err(|_| packing())?;
                let held = self.hold(wanted, Moved::Download(ticket))?;
                self.aside(ticket, held, move |second, held| send_folder(second, held, (tree, path), packing));
                Ok(TransferBegun::Folder)
            }
        }
    }

    fn hold(&self, wanted: &TransferWanted, moved: Moved) -> Result<Held, Fault> {
        let way = self.servers.live(wanted.server).transfer_begin(moved, TRANSFERS_OF_A_SERVER);
        match (way, ROOM.try_acquire()) {
            (Some(way), Ok(room)) => Ok(Held { way, _room: room }),
            _ => {
                let message = "Too many files of this server or machine are on their way.";
                let fault = Fault::new(ErrorKind::RateLimited, "file.transfers", message);
                Err(fault.fix("Wait until one of them has ended."))
            }
        }
    }

    /// Dials and moves.
    fn aside<W>(self: &Arc<Self>, ticket: Nonce, held: Held, work: impl FnOnce(Second, Held) -> W + Send + 'static)
    where
        W: Future<Output = Result<(), LinkError>> + Send + 'static,
    {
        let node = self.clone();
        self.tasks.spawn("server.transfer", OnError::Log, async move {
            let moved = async {
                let second = node.dialer.dial(ticket, node.journal.position()).await?;
                work(second, held).await
            };
            let stopping = node.tasks.shutdown();
            tokio::select! {
                moved = moved => if let Err(error) = moved {
                    tracing::info!(%error, "a transfer of files ended early");
                },
                () = stopping.requested() => {}
            }
            Ok::<(), Infallible>(())
        });
    }
}

impl Taken {
    /// Writes what comes, and says how far that came. What has arrived is kept, however it ends.
    async fn take_in(mut self, mut second: Second, held: Held) -> Result<(), LinkError> {
        let fault = loop {
            let heard = tokio::select! {
                heard = second.hear() => heard,
                () = held.way.halt.cancelled() => break Some(ended()),
            };
            let bytes = match heard {
                Ok(bytes) => bytes,
                Err(error) => {
                    drop(self.write().await);
                    return Err(error);
                }
            };
            let sent = self.have + self.buffer.len() as u64 + bytes.len() as u64;
            if sent > self.end {
                break Some(too_much(self.end));
            }
            self.buffer.extend_from_slice(&bytes);
            if (bytes.is_empty() || self.buffer.len() + PIECE_BYTES > DISK_BYTES)
                && let Err(fault) = self.write().await
            {
                break Some(fault);
            }
            if bytes.is_empty() {
                break None;
            }
        };
        second.end(&TransferEnd { have: self.have, fault }).await
    }

    /// Adds what is gathered.
    async fn write(&mut self) -> Result<(), Fault> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let (tree, id, have) = (self.tree.clone(), upload::name(self.upload), self.have);
        let buffer = std::mem::take(&mut self.buffer);
        let (written, buffer) = aside::short(move || (tree.upload_append(&id, have, &buffer), buffer)).await;
        self.buffer = buffer;
        self.buffer.clear();
        match written {
            Ok(have) => {
                self.have = have;
                Ok(())
            }
            Err(fault) => {
                if let FileFault::Offset { have, .. } = &fault {
                    self.have = *have;
                }
                Err(fault.into())
            }
        }
    }
}

/// Exactly `left` bytes and the mark of the end; without that mark where the file became shorter meanwhile.
async fn send_file(
    mut second: Second,
    held: Held,
    file: Arc<File>,
    mut from: u64,
    mut left: u64,
) -> Result<(), LinkError> {
    while left > 0 {
        let (file, most) = (file.clone(), usize::try_from(left).unwrap_or(DISK_BYTES).min(DISK_BYTES));
        let read = aside::short(move || read_at(&file, from, most)).await;
        let mut bytes = Bytes::from(read.map_err(|error| LinkError::Lost(error.to_string()))?);
        if bytes.is_empty() {
            return Err(LinkError::Lost("the file became shorter meanwhile".to_owned()));
        }
        from += bytes.len() as u64;
        left -= bytes.len() as u64;
        while !bytes.is_empty() {
            put(&mut second, &held, bytes.split_to(bytes.len().min(PIECE_BYTES))).await?;
        }
    }
    put(&mut second, &held, Bytes::new()).await?;
    second.close().await;
    Ok(())
}

fn read_at(file: &File, from: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; most];
    loop {
        match file.read_at(&mut piece, from) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(read) => {
                piece.truncate(read);
                return Ok(piece);
            }
        }
    }
}

async fn put(second: &mut Second, held: &Held, bytes: Bytes) -> Result<(), LinkError> {
    tokio::select! {
        put = second.put(bytes) => put,
        () = held.way.halt.cancelled() => Err(LinkError::Lost("it was ended on this node".to_owned())),
    }
}

fn folder(place: Place, path: &TreePath) -> Result<Tree, Fault> {
    let tree = place.open()?;
    let entry = tree.stat(path)?;
    if entry.denied {
        return Err(FileFault::Denied { path: path.to_string() }.into());
    }
    if entry.kind != Kind::Folder {
        return Err(FileFault::NotAFolder { path: path.to_string() }.into());
    }
    Ok(tree)
}

async fn send_folder(
    mut second: Second,
    held: Held,
    (tree, path): (Tree, TreePath),
    packing: SemaphorePermit<'static>,
) -> Result<(), LinkError> {
    let (sender, mut pieces) = mpsc::channel(PIECES_WAITING);
    let packed = tokio::task::spawn_blocking(move || {
        let _packing = packing;
        let mut to = Pieces { sender, piece: Vec::new() };
        tree.pack(&path, &mut to, &Cancel::within(PACK_LIMIT))?;
        to.send().map_err(|_| FileFault::Cancelled)
    });
    // Whoever reads no more ends the packing: its pieces are taken by nobody then.
    while let Some(piece) = pieces.recv().await {
        put(&mut second, &held, piece).await?;
    }
    match packed.await {
        Ok(Ok(())) => {
            put(&mut second, &held, Bytes::new()).await?;
            second.close().await;
            Ok(())
        }
        Ok(Err(fault)) => Err(LinkError::Lost(fault.to_string())),
        Err(error) => Err(LinkError::Lost(error.to_string())),
    }
}

/// An archive, piece by piece.
struct Pieces {
    sender: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.sender.blocking_send(piece).map_err(|_| io::Error::other("nobody reads any more"))
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn too_much(bytes: u64) -> Fault {
    let message = format!("More was sent than the {bytes} bytes that were announced.");
    Fault::new(ErrorKind::Invalid, "file.too_much", message).fix("Give the upload up and begin it anew.")
}

fn ended() -> Fault {
    let message = "The upload was gone on with elsewhere, finished, or given up.";
    Fault::new(ErrorKind::Conflict, "file.offset", message).fix("Look at it, and go on from the bytes that are there.")
}

fn packing() -> Fault {
    let message = format!("The node packs {PACKED_AT_ONCE} folders already.");
    Fault::new(ErrorKind::RateLimited, "file.packing", message).fix("Wait until one of them is downloaded.")
}
