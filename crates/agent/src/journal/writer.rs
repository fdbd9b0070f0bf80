//! The thread that owns the file. All jobs that wait share one write and one fsync.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use super::file::{self, Place};
use super::{JournalError, Record, Shared};

type Waiting = oneshot::Sender<Result<(), JournalError>>;

/// One record to write.
pub(super) struct Job {
    record: Record,
    bytes: Vec<u8>,
    shared: Arc<Shared>,
    /// Who waits for the disk; nobody where a loss does no harm.
    waiting: Option<Waiting>,
}

impl Job {
    pub(super) fn new(record: Record, shared: Arc<Shared>, waiting: Option<Waiting>) -> Self {
        Self { bytes: file::encode(&record), record, shared, waiting }
    }
}

/// What the thread is asked to do.
pub(super) enum Work {
    /// Write a record.
    Append(Box<Job>),
    /// Write what is still needed into a fresh file.
    Compact(Arc<Shared>),
}

/// Jobs for the thread. It ends when the last clone of the journal is gone.
#[derive(Debug)]
pub(super) struct Writer(Sender<Work>);

impl Writer {
    pub(super) fn start(path: &Path, good_bytes: u64, mut records: Vec<Record>, start: Record) -> io::Result<Self> {
        if records.is_empty() {
            records.push(start);
        }
        let (file, end) = file::open(path, good_bytes, &records)?;
        let (sender, jobs) = channel();
        // fsync blocks: it has a thread of its own, owned by its channel.
        std::thread::Builder::new()
            .name("journal".into())
            .stack_size(128 * 1024)
            .spawn(move || run(file, end, &jobs))
            .map(drop)?;
        Ok(Self(sender))
    }

    /// Queues a job. When the thread is gone the job's waiter sees its channel close.
    pub(super) fn push(&self, work: Work) {
        drop(self.0.send(work));
    }
}

fn run(mut file: File, mut end: u64, work: &Receiver<Work>) {
    while let Ok(first) = work.recv() {
        let mut batch = Vec::new();
        let mut compact = None;
        for work in std::iter::once(first).chain(work.try_iter()) {
            match work {
                Work::Append(job) => batch.push(*job),
                Work::Compact(shared) => compact = Some(shared),
            }
        }
        append(&mut file, &mut end, batch);
        if let Some(shared) = compact.filter(|shared| shared.index().wants_compaction())
            && let Err(error) = compacted(&shared).map(|fresh| (file, end) = fresh)
        {
            tracing::warn!(%error, "the journal could not be compacted; it goes on as it is");
        }
    }
}

fn append(file: &mut File, end: &mut u64, batch: Vec<Job>) {
    let must_sync = batch.iter().any(|job| job.waiting.is_some());
    match write(file, *end, &batch, must_sync) {
        Ok(()) => {
            for job in batch {
                let bytes = u32::try_from(job.bytes.len()).expect("records are below 128 KiB");
                job.shared.index().apply(&job.record, Place { offset: *end, bytes });
                *end += u64::from(bytes);
                answer(job.waiting, Ok(()));
            }
        }
        Err(error) => {
            // After a failed write or fsync the pages may be lost: cut back to what is known to be good.
            let cut = file.set_len(*end).and_then(|()| file.sync_all());
            let error = cut.err().unwrap_or(error).to_string();
            batch.into_iter().for_each(|job| answer(job.waiting, Err(JournalError::Disk(error.clone()))));
        }
    }
}

/// Only this thread writes, so the index cannot gain a record meanwhile.
fn compacted(shared: &Shared) -> io::Result<(File, u64)> {
    let (start, live) = {
        let index = shared.index();
        (index.start(), index.live())
    };
    let mut records = vec![start];
    let mut end = file::MAGIC.len() as u64 + file::encode(&records[0]).len() as u64;
    let mut place = |record: &Record| {
        let bytes = u32::try_from(file::encode(record).len()).expect("records are below 128 KiB");
        end += u64::from(bytes);
        Place { offset: end - u64::from(bytes), bytes }
    };
    let mut moved = Vec::new();
    for (command, accepted, outcome, delivered) in live {
        let record = file::read_at(&shared.path, accepted)?;
        let accepted = place(&record);
        records.push(record);
        let mut moved_outcome = None;
        if let Some(outcome) = outcome {
            let record = file::read_at(&shared.path, outcome)?;
            moved_outcome = Some(place(&record));
            records.push(record);
        }
        if delivered {
            let record = Record::Delivered { command };
            place(&record);
            records.push(record);
        }
        moved.push((command, accepted, moved_outcome));
    }
    let (file, end) = file::open(&shared.path, 0, &records)?;
    shared.index().moved(&moved, end);
    Ok((file, end))
}

fn write(file: &mut File, end: u64, batch: &[Job], sync: bool) -> io::Result<()> {
    file.seek(SeekFrom::Start(end))?;
    let bytes: Vec<u8> = batch.iter().flat_map(|job| job.bytes.iter().copied()).collect();
    file.write_all(&bytes)?;
    if sync { file.sync_data() } else { Ok(()) }
}

fn answer(waiting: Option<Waiting>, result: Result<(), JournalError>) {
    if let Some(waiting) = waiting {
        drop(waiting.send(result));
    }
}
