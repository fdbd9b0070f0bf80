//! An export in the hands of somebody who wants to hide something.

use anyhow::Result;
use sf_store::audit::{self, Head, Line, file};
use sf_testkit::Plane;

/// An export that can be bent: what is no line stays text.
#[derive(Clone)]
pub enum Record {
    Line(Box<Line>),
    Text(String),
}

#[derive(Clone)]
pub struct File(pub Vec<Record>);

impl File {
    pub async fn of(plane: &Plane, text: &[String]) -> Result<Self> {
        let lines = plane.audited().await?;
        let record = |text: &String| {
            let seq = text.strip_prefix(r#"{"seq":"#).and_then(|rest| rest.split(',').next()?.parse::<usize>().ok());
            match seq.and_then(|seq| lines.get(seq - 1)) {
                Some(line) => Record::Line(Box::new(line.clone())),
                None => Record::Text(text.clone()),
            }
        };
        Ok(Self(text.iter().map(record).collect()))
    }

    pub fn text(&self) -> Vec<String> {
        let text = |record: &Record| match record {
            Record::Line(line) => file::line(line).trim_end().to_owned(),
            Record::Text(text) => text.clone(),
        };
        self.0.iter().map(text).collect()
    }

    pub fn at(&self, seq: u64) -> usize {
        self.0
            .iter()
            .position(|record| matches!(record, Record::Line(line) if line.seq == seq))
            .expect("the line is there")
    }

    pub fn line(&mut self, seq: u64) -> &mut Line {
        let at = self.at(seq);
        match &mut self.0[at] {
            Record::Line(line) => line,
            Record::Text(_) => unreachable!("a line was looked for"),
        }
    }

    pub fn last(&self) -> u64 {
        let seqs =
            self.0.iter().filter_map(|record| if let Record::Line(line) = record { Some(line.seq) } else { None });
        seqs.max().unwrap_or(0)
    }

    /// As an intruder would who knows how hashes are made: everything from `seq` on continues what is before it.
    pub fn rehash(&mut self, seq: u64) {
        for seq in seq..=self.last() {
            if seq > 1 {
                let before = self.line(seq - 1).entry_hash;
                self.line(seq).prev_hash = before;
            }
            let line = self.line(seq);
            line.entry_hash = audit::chain::hash(line);
        }
        self.say_end();
    }

    /// The end says what is there now.
    pub fn say_end(&mut self) {
        let last = self.last();
        let line = self.line(last).clone();
        let end =
            self.0.iter().position(|record| matches!(record, Record::Text(text) if text.starts_with(r#"{"end""#)));
        let head = Head { seq: last, hash: line.entry_hash };
        if let Some(end) = end {
            self.0[end] = Record::Text(file::end(line.instance, &head).trim_end().to_owned());
        }
    }
}

pub fn edit(file: &mut File, n: u64) {
    file.line(n).outcome = "as I like it".to_owned();
}

pub fn edit_with_its_hash(file: &mut File, n: u64) {
    edit(file, n);
    let line = file.line(n);
    line.entry_hash = audit::chain::hash(line);
}

pub fn rewrite(file: &mut File, n: u64) {
    edit(file, n);
    file.rehash(n);
}

pub fn delete(file: &mut File, n: u64) {
    let at = file.at(n);
    file.0.remove(at);
}

pub fn swap(file: &mut File, n: u64) {
    let other = if n == file.last() { n - 1 } else { n + 1 };
    let (a, b) = (file.at(n), file.at(other));
    file.0.swap(a, b);
}

pub fn repeat(file: &mut File, n: u64) {
    let at = file.at(n);
    file.0.insert(at, file.0[at].clone());
}

/// A line that fits the one before it, with the number of the next.
pub fn insert(file: &mut File, n: u64) {
    let at = file.at(n);
    let mut line = file.line(n).clone();
    line.outcome = "never happened".to_owned();
    line.entry_hash = audit::chain::hash(&line);
    file.0.insert(at, Record::Line(Box::new(line)));
}

pub fn append(file: &mut File, _: u64) {
    let last = file.last();
    let mut line = file.line(last).clone();
    (line.seq, line.prev_hash) = (last + 1, line.entry_hash);
    line.entry_hash = audit::chain::hash(&line);
    let end = file.0.iter().position(|record| matches!(record, Record::Text(text) if text.starts_with(r#"{"end""#)));
    file.0.insert(end.expect("it ends"), Record::Line(Box::new(line)));
}

pub fn append_and_say_so(file: &mut File, n: u64) {
    append(file, n);
    file.say_end();
}

/// The lines from `n` on, and what stands between them.
pub fn cut(file: &mut File, n: u64) {
    let at = file.at(n);
    let end = file.0.iter().position(|record| matches!(record, Record::Text(text) if text.starts_with(r#"{"end""#)));
    file.0.drain(at..end.expect("it ends"));
}

pub fn break_off(file: &mut File, n: u64) {
    let at = file.at(n);
    file.0.truncate(at);
}

pub fn bend_a_signature(file: &mut File, n: u64) {
    let at = file.at(n);
    let found = file.0.iter_mut().skip(at).find_map(|record| match record {
        Record::Text(text) if text.starts_with(r#"{"checkpoint""#) => Some(text),
        _ => None,
    });
    let text = found.expect("a checkpoint behind it");
    let signature = text.find(r#""signature":""#).expect("it is signed") + 13;
    let other = if &text[signature..=signature] == "A" { "B" } else { "A" };
    text.replace_range(signature..=signature, other);
}
