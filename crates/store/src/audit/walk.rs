//! Walks along a chain, line by line, and says what is wrong with it first: the one checker, for the database and for
//! files. It never stops at the first finding, because what comes later tells what kind of damage it is.

use std::collections::BTreeMap;

use sf_protocol::witness;

use super::chain::{Content, Head};

/// What was done to a chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Damage {
    /// A line says something else than when it was written.
    Edited,
    /// A line is missing.
    Deleted,
    /// Lines have changed their places.
    Reordered,
    /// A line was put in.
    Inserted,
    /// The end is missing.
    Truncated,
    /// History was written anew: it contradicts a signed statement.
    Forked,
    /// No signed statement covers it.
    Unsigned,
    /// It cannot be read, or what should be a signature is none.
    Malformed,
}

impl Damage {
    /// In one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Deleted => "deleted",
            Self::Reordered => "reordered",
            Self::Inserted => "inserted",
            Self::Truncated => "truncated",
            Self::Forked => "forked",
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
        }
    }
}

/// The first line that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bad {
    /// What was done.
    pub damage: Damage,
    /// Its number, or the number that should be there.
    pub seq: u64,
    /// In words.
    pub why: String,
}

/// Who stated a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A checkpoint kept with the chain.
    Checkpoint,
    /// A node that saw it.
    Witness,
}

/// Actions of the lines by which a restored chain goes on: after `backup restore`, and after a restore by other means.
pub const RESTORES: [&str; 2] = ["instance.restore", "instance.raise_epoch"];

/// A chain went on from an older copy of itself: lines behind it that were written before are gone, rightly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restored {
    /// Number of the line that says so: the first that was written anew.
    pub seq: u64,
    /// The epoch that the root certified for it.
    pub epoch: u64,
}

impl Restored {
    /// What a line says about a restore; `None` for all other lines.
    pub fn of(content: &Content<'_>) -> Option<Self> {
        if !RESTORES.contains(&content.action) {
            return None;
        }
        let fields: serde_json::Value = serde_json::from_str(content.fields).ok()?;
        Some(Self { seq: content.seq, epoch: fields.get("epoch")?.as_str()?.parse().ok()? })
    }

    /// Whether it is why a chain does not have what was stated about it: about lines behind it, in an epoch before it.
    const fn explains(&self, stated: &witness::Head, certified: u64) -> bool {
        self.seq <= stated.size && stated.epoch < self.epoch && self.epoch <= certified
    }
}

/// What a walk came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Walked {
    /// How the good part ends.
    pub head: Head,
    /// Lines looked at.
    pub lines: u64,
    /// The last line that a checkpoint of the chain covers and agrees with.
    pub signed: u64,
    /// The last line that a witness agrees with.
    pub witnessed: Option<u64>,
    /// What is to be known and is no damage.
    pub notes: Vec<String>,
    /// The first line that does not hold.
    pub bad: Option<Bad>,
}

/// A walk under way.
#[derive(Debug)]
pub struct Walk {
    head: Head,
    start: u64,
    /// Whether the lines before the first are rightly not there.
    begun_well: bool,
    lines: u64,
    signed: u64,
    witnessed: Option<u64>,
    /// Statements about lines that are still to come.
    stated: BTreeMap<u64, Vec<(witness::Head, Source)>>,
    /// Statements that contradict the chain, with the first line that may be wrong.
    disputed: Vec<(witness::Head, Source, Bad)>,
    broken: Option<Broken>,
    found: Vec<Bad>,
    /// The highest epoch that the root has certified.
    epoch: u64,
    /// Restores that the chain tells of.
    restores: Vec<Restored>,
    buffer: Vec<u8>,
}

/// The first line that did not fit.
#[derive(Debug)]
struct Broken {
    expected: u64,
    found: u64,
    hash_holds: bool,
    /// The number that was expected came later.
    came_later: bool,
}

impl Walk {
    /// Goes on behind a head that was verified before: nothing else has to vouch for it.
    pub fn going_on(verified: Head) -> Self {
        Self { begun_well: true, ..Self::from(verified) }
    }

    /// Begins behind `start`: [`Head::default`], or where a chain was cut off, for which a checkpoint has to vouch.
    pub fn from(start: Head) -> Self {
        Self {
            head: start,
            start: start.seq,
            begun_well: start == Head::default(),
            lines: 0,
            signed: start.seq,
            witnessed: None,
            stated: BTreeMap::new(),
            disputed: Vec::new(),
            broken: None,
            found: Vec::new(),
            epoch: 0,
            restores: Vec::new(),
            buffer: Vec::with_capacity(1024),
        }
    }

    /// How the good part ends up to here.
    pub const fn head(&self) -> Head {
        self.head
    }

    /// A verified statement: compared when its line is reached, or now.
    pub fn state(&mut self, head: witness::Head, source: Source) {
        if source == Source::Checkpoint {
            self.epoch = self.epoch.max(head.epoch);
        }
        if head.size == self.head.seq && self.broken.is_none() {
            self.compare(head, source);
        } else if head.size > self.head.seq {
            self.stated.entry(head.size).or_default().push((head, source));
        } else if head.size >= self.start && self.broken.is_none() {
            let why = format!("the checkpoint of line {} stands behind a later line", head.size);
            self.found.push(Bad { damage: Damage::Malformed, seq: head.size, why });
        }
    }

    /// A restore that a good line before the first tells of.
    pub fn restored(&mut self, restored: Restored) {
        self.restores.push(restored);
    }

    /// The epoch that the root has certified by now: a restore is believed up to it.
    pub fn in_epoch(&mut self, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
    }

    /// A line picked from a chain, by itself: others are missing between it and the one before, and only its own hash
    /// and the order can be checked. Answers whether it holds.
    pub fn picked(&mut self, content: &Content<'_>, carried: &[u8; 32]) -> bool {
        self.lines += 1;
        self.begun_well = true;
        let seq = content.seq;
        let follows = seq != self.head.seq + 1 || self.head.seq == 0 || content.prev_hash == self.head.hash;
        let (damage, why) = if seq <= self.head.seq {
            (Damage::Reordered, format!("it stands behind line {}", self.head.seq))
        } else if content.hash(&mut self.buffer) != *carried {
            (Damage::Edited, "its hash does not cover what it says".to_owned())
        } else if !follows {
            (Damage::Forked, "it does not continue the line before it: one of the two was written anew".to_owned())
        } else {
            self.head = Head { seq, hash: *carried };
            return true;
        };
        self.found.push(Bad { damage, seq, why });
        false
    }

    /// Something else that is wrong with a line.
    pub fn found(&mut self, bad: Bad) {
        self.found.push(bad);
    }

    /// The next line, with the hash it carries. Answers whether it holds.
    pub fn line(&mut self, content: &Content<'_>, carried: &[u8; 32]) -> bool {
        self.lines += 1;
        if let Some(broken) = &mut self.broken {
            broken.came_later |= content.seq == broken.expected;
            return false;
        }
        let hash_holds = content.hash(&mut self.buffer) == *carried;
        let expected = self.head.seq + 1;
        if content.seq != expected || content.prev_hash != self.head.hash || !hash_holds {
            self.broken = Some(Broken { expected, found: content.seq, hash_holds, came_later: false });
            return false;
        }
        self.head = Head { seq: content.seq, hash: *carried };
        self.restores.extend(Restored::of(content));
        if self.stated.first_key_value().is_some_and(|(size, _)| *size == content.seq)
            && let Some((_, heads)) = self.stated.pop_first()
        {
            for (head, source) in heads {
                self.compare(head, source);
            }
        }
        true
    }

    fn compare(&mut self, head: witness::Head, source: Source) {
        if head.hash == self.head.hash {
            self.begun_well |= source == Source::Checkpoint && head.size == self.start;
            match source {
                Source::Checkpoint => self.signed = self.signed.max(head.size),
                Source::Witness => self.witnessed = self.witnessed.max(Some(head.size)),
            }
            return;
        }
        let first = self.agreed() + 1;
        let lines =
            if first == head.size { format!("line {first}") } else { format!("lines {first} to {}", head.size) };
        let why = format!("{lines}: written anew, {} had another end at line {}", stated_by(source, &head), head.size);
        self.disputed.push((head, source, Bad { damage: Damage::Forked, seq: first, why }));
    }

    /// The last line that a statement agrees with.
    fn agreed(&self) -> u64 {
        self.signed.max(self.witnessed.unwrap_or(0)).max(self.start)
    }

    /// The end of the chain. `end` is where it says that it ends, if it says so; `all_signed` demands that a checkpoint
    /// covers every line.
    pub fn end(mut self, end: Option<Head>, all_signed: bool) -> Walked {
        let mut notes = Vec::new();
        if let Some(broken) = self.broken.take() {
            self.found.push(self.diagnosed(&broken));
        } else {
            self.compare_end(end);
        }
        for (_, heads) in std::mem::take(&mut self.stated) {
            for (head, source) in heads {
                let next = self.head.seq + 1;
                let why = format!(
                    "the chain ends with line {}, {} had {}",
                    self.head.seq,
                    stated_by(source, &head),
                    head.size
                );
                self.disputed.push((head, source, Bad { damage: Damage::Truncated, seq: next, why }));
            }
        }
        for (head, source, bad) in std::mem::take(&mut self.disputed) {
            let explained = self.restores.iter().find(|restored| restored.explains(&head, self.epoch));
            match explained.filter(|_| source == Source::Witness) {
                // The chain says so itself, in an epoch that only the root's owner can begin.
                Some(Restored { seq, epoch }) => {
                    notes.push(format!("lost in the restore that line {seq} tells of (epoch {epoch}): {}", bad.why));
                }
                None => self.found.push(bad),
            }
        }
        if !self.begun_well {
            let why = format!("lines 1 to {} are missing, and no checkpoint vouches for where it begins", self.start);
            self.found.push(Bad { damage: Damage::Deleted, seq: 1, why });
        }
        if all_signed && self.signed < self.head.seq && self.found.is_empty() {
            let first = self.signed + 1;
            let why =
                format!("no checkpoint covers lines {first} to {}: anybody could have put them there", self.head.seq);
            self.found.push(Bad { damage: Damage::Unsigned, seq: first, why });
        }
        let bad = self.found.into_iter().min_by_key(|bad| bad.seq);
        let (head, lines, signed, witnessed) = (self.head, self.lines, self.signed, self.witnessed);
        Walked { head, lines, signed, witnessed, notes, bad }
    }

    fn compare_end(&mut self, end: Option<Head>) {
        let Some(end) = end.filter(|end| *end != self.head) else { return };
        let (damage, seq, why) = match end.seq.cmp(&self.head.seq) {
            std::cmp::Ordering::Less => {
                (Damage::Inserted, end.seq + 1, format!("the chain was said to end with line {}", end.seq))
            }
            std::cmp::Ordering::Greater => {
                (Damage::Truncated, self.head.seq + 1, format!("the chain was said to end with line {}", end.seq))
            }
            std::cmp::Ordering::Equal => {
                (Damage::Forked, self.agreed() + 1, "the chain was said to end with another hash".to_owned())
            }
        };
        self.found.push(Bad { damage, seq, why });
    }

    fn diagnosed(&self, broken: &Broken) -> Bad {
        let Broken { expected, found, hash_holds, came_later } = *broken;
        let (damage, seq, why) = if found > expected && came_later {
            (Damage::Reordered, expected, format!("line {found} stands in its place, and it comes later"))
        } else if found > expected {
            (Damage::Deleted, expected, format!("line {found} follows line {}", expected - 1))
        } else if found < expected {
            (Damage::Inserted, found, format!("number {found} is there twice"))
        } else if came_later {
            (Damage::Inserted, expected, format!("number {expected} is there twice"))
        } else if !hash_holds {
            (Damage::Edited, expected, "its hash does not cover what it says".to_owned())
        } else {
            (
                Damage::Forked,
                expected,
                "it does not continue the line before it: one of the two was written anew".to_owned(),
            )
        };
        Bad { damage, seq, why }
    }
}

fn stated_by(source: Source, head: &witness::Head) -> String {
    match source {
        Source::Checkpoint => format!("the checkpoint of {}", head.at),
        Source::Witness => format!("the head that a node witnessed, of {},", head.at),
    }
}

#[cfg(test)]
mod tests {
    use sf_types::{InstanceId, Timestamp, TypedId};

    use super::*;

    /// A chain of `count` lines; the line `restore` tells of a restore in epoch 2.
    fn walked(count: u64, restore: Option<u64>, certified: u64, seen: witness::Head) -> Walked {
        let mut walk = Walk::from(Head::default());
        walk.in_epoch(certified);
        walk.state(seen, Source::Witness);
        for seq in 1..=count {
            let is_restore = restore == Some(seq);
            let content = Content {
                instance: uuid::Uuid::nil(),
                seq,
                tenant: None,
                project: None,
                at: 0,
                actor_kind: "system",
                actor_ref: "",
                action: if is_restore { RESTORES[0] } else { "app.deploy" },
                target_kind: "instance",
                target_id: "",
                run: None,
                request: None,
                outcome: "succeeded",
                fields: if is_restore { r#"{"epoch":"2"}"# } else { "{}" },
                personal: "{}",
                prev_hash: walk.head().hash,
            };
            let hash = content.hash(&mut Vec::new());
            assert!(walk.line(&content, &hash));
        }
        walk.end(None, false)
    }

    #[test]
    fn only_a_restore_that_the_chain_tells_of_explains_what_a_node_saw() {
        let truncated = Some(Damage::Truncated);
        for (restore, certified, (size, epoch), expected) in [
            // Seen before the restore, of lines that were written after the backup: gone, rightly.
            (Some(4), 2, (9, 1), None),
            (Some(4), 2, (5, 1), None),
            (Some(4), 2, (4, 1), None),
            // Nothing tells of a restore, whatever the root has certified.
            (None, 1, (9, 1), truncated),
            (None, 2, (9, 1), truncated),
            (None, 2, (5, 1), Some(Damage::Forked)),
            // What was in the backup must still be there.
            (Some(4), 2, (3, 1), Some(Damage::Forked)),
            // Seen after the restore.
            (Some(4), 2, (9, 2), truncated),
            // A line alone is no proof: its epoch was never certified.
            (Some(4), 1, (9, 1), truncated),
        ] {
            let (instance, at) = (InstanceId::from_parts(Timestamp::EPOCH, [0; 10]), Timestamp::EPOCH);
            let key = sf_protocol::SecretKey::from_seed(&[1; 32]).public().id();
            let seen = witness::Head { instance, size, hash: [7; 32], at, epoch, key };
            let walked = walked(6, restore, certified, seen);
            let found = walked.bad.map(|bad| bad.damage);
            assert_eq!(found, expected, "{restore:?} {certified} {size} {epoch}: {:?}", walked.notes);
            assert_eq!(walked.notes.len(), usize::from(expected.is_none()));
        }
    }
}
