//! The arithmetic of the chain, pure, for the store and for the offline verifier.
//!
//! `entry_hash = SHA-256(encoding)`, where the encoding of a line is the label `serverflow.audit.v1` followed by every
//! column of `activity_logs` but `entry_hash`, in the order of the table. The label and each value are written as
//! their length in bytes (8 bytes, big endian) and then the bytes; NULL is the length 2^64-1 without bytes. Ids are
//! their 16 bytes, numbers and times 8 bytes big endian (two's complement), texts UTF-8, hashes their 32 bytes. Equal
//! encodings therefore mean equal lines.
//!
//! A commitment is `SHA-256` over the label `serverflow.commitment.v1`, salt, field and value in the same form. The
//! salt is 32 random bytes, so that erased values cannot be guessed from their commitments.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Line;

/// The end of a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// Number of the last line; 0 before the first.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: [u8; 32],
}

/// The first line that does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {seq} of the audit chain does not hold: {why}")]
pub struct FirstBad {
    /// Its number, or the number that should be there.
    pub seq: u64,
    /// What is wrong.
    pub why: &'static str,
}

/// Checks lines in ascending order as a continuation of `from` ([`Head::default`] for a whole chain) and answers how
/// it ends; compare that with a signed checkpoint.
///
/// # Errors
/// [`FirstBad`].
pub fn verify<'a>(from: Head, lines: impl IntoIterator<Item = &'a Line>) -> Result<Head, FirstBad> {
    let mut head = from;
    for line in lines {
        let bad = |why| Err(FirstBad { seq: head.seq + 1, why });
        if line.seq != head.seq + 1 {
            return bad("another number is there: lines are missing, repeated or out of order");
        }
        if line.prev_hash != head.hash {
            return bad("it does not continue the line before it");
        }
        if hash(line) != line.entry_hash {
            return bad("its hash does not cover what it says");
        }
        head = Head { seq: line.seq, hash: line.entry_hash };
    }
    Ok(head)
}

/// Whether `value` with `salt` is what a line committed to under `field`.
pub fn holds(line: &Line, field: &str, salt: &[u8; 32], value: &str) -> bool {
    let commitments: serde_json::Value = serde_json::from_str(&line.personal).unwrap_or_default();
    commitments.get(field).and_then(|found| found.as_str()) == Some(&hex(&commit(salt, field, value)))
}

/// The hash a line must carry.
pub fn hash(line: &Line) -> [u8; 32] {
    Content::of(line).hash(&mut Vec::with_capacity(USUAL_BYTES))
}

/// Bytes of a usual line's encoding.
const USUAL_BYTES: usize = 768;

/// What the hash of a line covers, borrowed: a verifier reads millions of them.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Whose chain.
    pub instance: Uuid,
    /// Its number.
    pub seq: u64,
    /// Whose line.
    pub tenant: Option<Uuid>,
    /// Narrower.
    pub project: Option<Uuid>,
    /// When, milliseconds.
    pub at: i64,
    /// Who, by kind.
    pub actor_kind: &'a str,
    /// Who, by pseudonym.
    pub actor_ref: &'a str,
    /// What.
    pub action: &'a str,
    /// Done to what.
    pub target_kind: &'a str,
    /// Its id.
    pub target_id: &'a str,
    /// In which run.
    pub run: Option<Uuid>,
    /// Through which request.
    pub request: Option<Uuid>,
    /// How it went.
    pub outcome: &'a str,
    /// Exact text of the details.
    pub fields: &'a str,
    /// Exact text of the commitments.
    pub personal: &'a str,
    /// Hash of the line before.
    pub prev_hash: [u8; 32],
}

impl<'a> Content<'a> {
    /// Of a stored line.
    pub fn of(line: &'a Line) -> Self {
        let Line {
            instance,
            seq,
            tenant,
            project,
            at,
            actor_kind,
            actor_ref,
            action,
            target_kind,
            target_id,
            run,
            request,
            outcome,
            fields,
            personal,
            prev_hash,
            entry_hash: _,
        } = line;
        Self {
            instance: instance.uuid(),
            seq: *seq,
            tenant: tenant.map(|id| id.uuid()),
            project: project.map(|id| id.uuid()),
            at: at.as_millis(),
            actor_kind,
            actor_ref,
            action,
            target_kind,
            target_id,
            run: run.map(|id| id.uuid()),
            request: request.map(|id| id.uuid()),
            outcome,
            fields,
            personal,
            prev_hash: *prev_hash,
        }
    }

    /// The hash the line must carry; `buffer` is used again from line to line.
    pub fn hash(&self, buffer: &mut Vec<u8>) -> [u8; 32] {
        buffer.clear();
        let mut encoding = Encoding(buffer);
        encoding.some(b"serverflow.audit.v1");
        encoding.some(self.instance.as_bytes());
        encoding.some(&self.seq.to_be_bytes());
        encoding.maybe(self.tenant);
        encoding.maybe(self.project);
        encoding.some(&self.at.to_be_bytes());
        for text in [self.actor_kind, self.actor_ref, self.action, self.target_kind, self.target_id] {
            encoding.some(text.as_bytes());
        }
        encoding.maybe(self.run);
        encoding.maybe(self.request);
        for text in [self.outcome, self.fields, self.personal] {
            encoding.some(text.as_bytes());
        }
        encoding.some(&self.prev_hash);
        Sha256::digest(&*buffer).into()
    }
}

/// The commitment to a personal value.
pub fn commit(salt: &[u8; 32], field: &str, value: &str) -> [u8; 32] {
    let mut buffer = Vec::with_capacity(value.len() + 96);
    let mut encoding = Encoding(&mut buffer);
    encoding.some(b"serverflow.commitment.v1");
    encoding.some(salt);
    encoding.some(field.as_bytes());
    encoding.some(value.as_bytes());
    Sha256::digest(&buffer).into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    bytes.iter().flat_map(digits).map(char::from).collect()
}

/// 32 bytes from 64 lower-case hexadecimal digits; nothing else is one.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

struct Encoding<'a>(&'a mut Vec<u8>);

impl Encoding<'_> {
    fn some(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn maybe(&mut self, id: Option<Uuid>) {
        match id {
            Some(id) => self.some(id.as_bytes()),
            None => self.0.extend_from_slice(&u64::MAX.to_be_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{InstanceId, TenantId, Timestamp, TypedId};

    fn chain(length: u64) -> Vec<Line> {
        let mut head = Head::default();
        (1..=length)
            .map(|seq| {
                let mut line = Line {
                    instance: InstanceId::from_parts(Timestamp::EPOCH, [1; 10]),
                    seq,
                    tenant: (seq % 2 == 0).then(|| TenantId::from_parts(Timestamp::EPOCH, [2; 10])),
                    project: None,
                    at: Timestamp::from_millis(i64::try_from(seq).unwrap()),
                    actor_kind: "person".into(),
                    actor_ref: "u".into(),
                    action: "app.deploy".into(),
                    target_kind: "app".into(),
                    target_id: "a".into(),
                    run: None,
                    request: None,
                    outcome: "opened".into(),
                    fields: "{}".into(),
                    personal: "{}".into(),
                    prev_hash: head.hash,
                    entry_hash: [0; 32],
                };
                line.entry_hash = hash(&line);
                head = Head { seq, hash: line.entry_hash };
                line
            })
            .collect()
    }

    fn check(change: impl FnOnce(&mut Vec<Line>), first_bad: Option<u64>) {
        let mut lines = chain(6);
        change(&mut lines);
        assert_eq!(verify(Head::default(), &lines).err().map(|bad| bad.seq), first_bad);
    }

    #[test]
    fn every_change_is_found_at_its_line() {
        check(|_| {}, None);
        check(|lines| lines[2].outcome = "refused".into(), Some(3));
        check(|lines| lines[2].tenant = None, None);
        check(|lines| lines[3].tenant = None, Some(4));
        check(|lines| lines[3].at = Timestamp::from_millis(9), Some(4));
        check(|lines| lines[4].entry_hash[0] ^= 1, Some(5));
        check(|lines| drop(lines.remove(1)), Some(2));
        check(|lines| lines.swap(1, 2), Some(2));
        check(
            |lines| {
                lines[2].fields = r#"{"x":"y"}"#.into();
                lines[2].entry_hash = hash(&lines[2]);
            },
            Some(4),
        );
        // Text moved from one field to the next is another line.
        check(|lines| (lines[1].actor_kind, lines[1].actor_ref) = ("personu".into(), String::new()), Some(2));
    }

    /// The encoding is for ever: chains that exist must go on verifying.
    #[test]
    fn the_encoding_of_version_1_is_frozen() {
        let expected = "6c5c9fc422839954ac458c694abd792042d985a67b5bac588fb804dfa6f95f8c";
        assert_eq!(hex(&chain(3)[2].entry_hash), expected);
        assert_eq!(unhex(expected), Some(chain(3)[2].entry_hash));
        for bad in ["", &expected[1..], &expected.to_uppercase(), &expected.replace('0', "g")] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_chain_can_be_checked_in_parts() {
        let lines = chain(5);
        let middle = verify(Head::default(), &lines[..2]).unwrap();
        assert_eq!(verify(middle, &lines[2..]), verify(Head::default(), &lines));
        assert!(verify(middle, &lines[3..]).is_err());
    }

    #[test]
    fn commitments_hold_for_their_value_only() {
        let mut line = chain(1).remove(0);
        let salt = [7; 32];
        line.personal = format!(r#"{{"email":"{}"}}"#, hex(&commit(&salt, "email", "a@b.c")));
        assert!(holds(&line, "email", &salt, "a@b.c"));
        for (field, salt, value) in [("email", [8; 32], "a@b.c"), ("email", salt, "a@b.d"), ("ip", salt, "a@b.c")] {
            assert!(!holds(&line, field, &salt, value));
        }
    }
}
