//! Reads an export and checks it without anything else: chains, hashes, commitments, signatures up to the root, and what
//! nodes have witnessed.

use sf_protocol::witness::{self, Witness};
use sf_protocol::{KeyId, Signed};
use sf_types::InstanceId;

use super::chain::{Head, commit, hex, unhex};
use super::file::{About, Begin, Bound, Done, FORMAT, LineRecord, Stated};
use super::walk::{Bad, Damage, Source, Walk, Walked};

/// Bytes of one record at the most.
pub const MAX_RECORD_BYTES: usize = 256 * 1024;

/// What the verifier is told beforehand.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The root's fingerprint; else the file's own root is named in the report, for comparing.
    pub root: Option<KeyId>,
    /// Statements that nodes have kept.
    pub witnesses: Vec<Signed>,
}

/// What is wrong with the file itself.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("record {record} of the file: {why}")]
pub struct Unreadable {
    /// Which, from 1.
    pub record: u64,
    /// In words.
    pub why: String,
}

/// One chain of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainReport {
    /// Whose.
    pub instance: InstanceId,
    /// It begins behind this line.
    pub start: u64,
    /// What the walk came to.
    pub walked: Walked,
    /// Signed heads in it.
    pub checkpoints: u64,
    /// Details about persons that are still there and hold.
    pub personal: u64,
}

/// What a whole file came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Whether it holds whole chains, or picked lines.
    pub whole: bool,
    /// The root that all signatures come from; `None` where nothing is signed.
    pub root: Option<KeyId>,
    /// The chains.
    pub chains: Vec<ChainReport>,
    /// Lines of the file, all chains together.
    pub lines: u64,
}

impl Report {
    /// The first line that does not hold, and whose chain.
    pub fn bad(&self) -> Option<(InstanceId, &Bad)> {
        self.chains.iter().find_map(|chain| chain.walked.bad.as_ref().map(|bad| (chain.instance, bad)))
    }
}

/// Checks a file, record by record.
#[derive(Debug)]
pub struct Verifier {
    trust: Trust,
    root: Option<KeyId>,
    begun: Option<Begin>,
    open: Option<OpenChain>,
    chains: Vec<ChainReport>,
    records: u64,
    lines: u64,
    done: bool,
}

#[derive(Debug)]
struct OpenChain {
    instance: InstanceId,
    start: u64,
    walk: Walk,
    checkpoints: u64,
    personal: u64,
    /// The last line and its commitments, where it has some.
    last: (u64, String),
}

impl OpenChain {
    fn close(self, end: Option<Head>, whole: bool) -> ChainReport {
        let Self { instance, start, walk, checkpoints, personal, .. } = self;
        ChainReport { instance, start, walked: walk.end(end, whole), checkpoints, personal }
    }
}

impl Verifier {
    /// A verifier that trusts this.
    pub fn new(trust: Trust) -> Self {
        let root = trust.root;
        Self { trust, root, begun: None, open: None, chains: Vec::new(), records: 0, lines: 0, done: false }
    }

    /// The next record, without its newline.
    ///
    /// # Errors
    /// [`Unreadable`] where the file is none of ours; damage to a chain goes into the report.
    pub fn record(&mut self, text: &str) -> Result<(), Unreadable> {
        self.records += 1;
        if self.begun.is_none() {
            return self.begin(text);
        }
        // Most records are lines.
        if text.starts_with(r#"{"seq":"#) {
            self.line(text)
        } else if text.starts_with(r#"{"about":"#) {
            self.about(text)
        } else if text.starts_with(r#"{"checkpoint":"#) {
            self.checkpoint(text)
        } else if text.starts_with(r#"{"chain":"#) || text.starts_with(r#"{"end":"#) {
            self.bound(text)
        } else if text.starts_with(r#"{"done":"#) {
            let done: Done = self.read(text)?;
            self.done = true;
            let found = self.chains.len() as u64;
            if done.done == found { Ok(()) } else { Err(self.no(format!("{} chains, {found} found", done.done))) }
        } else {
            Err(self.no("it is no record of an audit export"))
        }
    }

    /// The end of the file.
    ///
    /// # Errors
    /// [`Unreadable`] where it ends too early: a download that broke off.
    pub fn finish(mut self) -> Result<Report, Unreadable> {
        let whole = self.begun.as_ref().is_some_and(|begun| begun.whole);
        if let Some(open) = self.open.take() {
            // Its end is missing, and with it all that is behind.
            let mut open = open;
            let seq = open.walk.head().seq + 1;
            let why = "the file ends in the middle of the chain".to_owned();
            open.walk.found(Bad { damage: Damage::Truncated, seq, why });
            self.chains.push(open.close(None, whole));
        } else if !self.done {
            return Err(self.no("the file ends too early: it was cut off"));
        }
        Ok(Report { whole, root: self.root, chains: self.chains, lines: self.lines })
    }

    fn begin(&mut self, text: &str) -> Result<(), Unreadable> {
        let begin: Begin = self.read(text)?;
        if begin.export != FORMAT {
            return Err(self.no(format!("format `{}` is not {FORMAT}", begin.export.escape_debug())));
        }
        self.begun = Some(begin);
        Ok(())
    }

    fn bound(&mut self, text: &str) -> Result<(), Unreadable> {
        let bound: Bound = self.read(text)?;
        let hash = unhex(&bound.hash).ok_or_else(|| self.no("its hash is none"))?;
        let head = Head { seq: bound.size, hash };
        let whole = self.begun.as_ref().is_some_and(|begun| begun.whole);
        match (bound.chain, bound.end, self.open.take()) {
            (Some(instance), None, None) => {
                if self.chains.iter().any(|chain| chain.instance == instance) {
                    return Err(self.no(format!("chain {instance} is there twice")));
                }
                self.open = Some(self.opened(instance, head)?);
                Ok(())
            }
            (None, Some(instance), Some(open)) if open.instance == instance => {
                self.chains.push(open.close(Some(head), whole));
                Ok(())
            }
            _ => Err(self.no("a chain begins before the one before it has ended, or another one ends")),
        }
    }

    fn opened(&mut self, instance: InstanceId, head: Head) -> Result<OpenChain, Unreadable> {
        let mut walk = Walk::from(head);
        if self.begun.as_ref().is_none_or(|begun| !begun.whole) {
            // Picked lines are compared with no statement about the whole.
            return Ok(OpenChain { instance, start: 0, walk, checkpoints: 0, personal: 0, last: (0, String::new()) });
        }
        for signed in self.trust.witnesses.clone() {
            let stated = self.believe(&signed).map_err(|why| self.no(format!("the witness file: {why}")))?;
            if stated.instance == instance {
                walk.state(stated, Source::Witness);
            }
        }
        Ok(OpenChain { instance, start: head.seq, walk, checkpoints: 0, personal: 0, last: (0, String::new()) })
    }

    fn line(&mut self, text: &str) -> Result<(), Unreadable> {
        let (records, whole) = (self.records, self.begun.as_ref().is_some_and(|begun| begun.whole));
        let Some(open) = &mut self.open else { return Err(self.no("a line outside of a chain")) };
        self.lines += 1;
        let parsed = serde_json::from_str::<LineRecord<'_>>(text);
        let next = open.walk.head().seq + 1;
        let malformed = |why: String| Bad { damage: Damage::Malformed, seq: next, why };
        let record = match &parsed {
            Ok(record) => record,
            Err(error) => {
                open.walk.found(malformed(format!("record {records} of the file is no line: {error}")));
                return Ok(());
            }
        };
        let Some(read) = record.read() else {
            open.walk.found(malformed(format!("record {records} of the file has a value that is none")));
            return Ok(());
        };
        if read.content.instance != open.instance.uuid() {
            open.walk.found(malformed(format!("a line of the chain {} stands here", read.content.instance)));
            return Ok(());
        }
        let holds = match whole {
            true => open.walk.line(&read.content, &read.hash),
            false => open.walk.picked(&read.content, &read.hash),
        };
        if holds {
            open.last.0 = read.content.seq;
            open.last.1.clear();
            if read.content.personal != "{}" {
                open.last.1.push_str(read.content.personal);
            }
        }
        Ok(())
    }

    fn about(&mut self, text: &str) -> Result<(), Unreadable> {
        let about: About = self.read(text)?;
        let salt = unhex(&about.salt).ok_or_else(|| self.no("its salt is none"))?;
        let Some(open) = &mut self.open else { return Err(self.no("a person's detail outside of a chain")) };
        if about.about != open.last.0 {
            // Behind the first bad line nothing is compared any more.
            return Ok(());
        }
        let commitments: serde_json::Value = serde_json::from_str(&open.last.1).unwrap_or_default();
        let committed = commitments.get(&about.field).and_then(|text| text.as_str());
        if committed == Some(hex(&commit(&salt, &about.field, &about.value)).as_str()) {
            open.personal += 1;
            return Ok(());
        }
        let why = format!("its `{}` is not what the line committed to", about.field.escape_debug());
        open.walk.found(Bad { damage: Damage::Edited, seq: about.about, why });
        Ok(())
    }

    fn checkpoint(&mut self, text: &str) -> Result<(), Unreadable> {
        let stated: Stated = self.read(text)?;
        let believed = self.believe(&stated.checkpoint);
        let Some(open) = &mut self.open else { return Err(self.no("a checkpoint outside of a chain")) };
        open.checkpoints += 1;
        match believed {
            Ok(head) if head.instance == open.instance => open.walk.state(head, Source::Checkpoint),
            Ok(head) => {
                let why = format!("a checkpoint of the chain {} stands here", head.instance);
                let seq = open.walk.head().seq.max(1);
                open.walk.found(Bad { damage: Damage::Malformed, seq, why });
            }
            Err(why) => {
                let seq = open.walk.head().seq.max(1);
                let why = format!("the checkpoint behind it is not signed as it should be: {why}");
                open.walk.found(Bad { damage: Damage::Malformed, seq, why });
            }
        }
        Ok(())
    }

    /// A verified statement. Without a pinned root, the first root named is taken for all.
    fn believe(&mut self, signed: &Signed) -> Result<witness::Head, String> {
        let root = match self.root {
            Some(root) => root,
            None => Witness::named_root(signed).map_err(|error| error.to_string())?.id(),
        };
        let head = Witness::open(signed, root).map_err(|error| error.to_string())?;
        self.root = Some(root);
        Ok(head)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T, Unreadable> {
        serde_json::from_str(text).map_err(|error| self.no(error.to_string()))
    }

    fn no(&self, why: impl Into<String>) -> Unreadable {
        Unreadable { record: self.records, why: why.into() }
    }
}
