//! An export: one JSON object a line, so that it can be written while it is read and checked while it is read back.
//!
//! ```text
//! {"export":"serverflow.audit.v1","whole":true,"at":...}
//! {"chain":"<instance>","size":0,"hash":"00..."}     a chain begins behind this head
//! {"checkpoint":{...}}                               a signed head, behind the line it speaks of
//! {"seq":1,"at":...,...,"prev":"...","hash":"..."}   a line
//! {"about":1,"field":"ip","subject":"...","salt":"...","value":"..."}   what is still known of a person in it
//! {"end":"<instance>","size":2,"hash":"..."}         where the chain ends
//! {"done":1}                                         chains in this file
//! ```

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sf_protocol::Signed;
use sf_types::{InstanceId, Timestamp};
use uuid::Uuid;

use super::chain::{Content, Head, hex, unhex};
use super::{Line, PersonalValue};

/// What the first line says.
pub const FORMAT: &str = "serverflow.audit.v1";

/// First record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// [`FORMAT`].
    pub export: String,
    /// Whether whole chains follow, or lines picked from them.
    pub whole: bool,
    /// When it was made.
    pub at: Timestamp,
}

/// Where a chain begins or ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// It begins behind this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<InstanceId>,
    /// It ends here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<InstanceId>,
    /// Number of the line.
    pub size: u64,
    /// Its hash.
    pub hash: String,
}

/// A signed head.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// The statement.
    pub checkpoint: Signed,
}

/// What is still known of a person in the line before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Number of the line.
    pub about: u64,
    /// What it is.
    pub field: String,
    /// About whom.
    pub subject: String,
    /// The salt of its commitment.
    pub salt: String,
    /// The value.
    pub value: String,
}

/// Last record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Chains in the file.
    pub done: u64,
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LineRecord<'a> {
    seq: u64,
    at: i64,
    #[serde(borrow)]
    instance: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    tenant: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    project: Option<&'a str>,
    #[serde(borrow)]
    actor_kind: Cow<'a, str>,
    #[serde(borrow)]
    actor_ref: Cow<'a, str>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    target_kind: Cow<'a, str>,
    #[serde(borrow)]
    target_id: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    run: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    request: Option<&'a str>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    #[serde(borrow)]
    fields: Text<'a>,
    #[serde(borrow)]
    personal: Text<'a>,
    #[serde(borrow)]
    prev: &'a str,
    #[serde(borrow)]
    hash: &'a str,
}

/// A JSON text in its exact form.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] &'a RawValue);

impl Serialize for Text<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

/// A line that was read.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// What its hash covers.
    pub content: Content<'a>,
    /// The hash it carries.
    pub hash: [u8; 32],
}

impl<'a> LineRecord<'a> {
    /// Reads a line; `None` where a value is none.
    pub fn read(&'a self) -> Option<Read<'a>> {
        let id = |text: Option<&str>| text.map_or(Some(None), |text| canonical(text).map(Some));
        let content = Content {
            instance: canonical(self.instance)?,
            seq: self.seq,
            tenant: id(self.tenant)?,
            project: id(self.project)?,
            at: self.at,
            actor_kind: &self.actor_kind,
            actor_ref: &self.actor_ref,
            action: &self.action,
            target_kind: &self.target_kind,
            target_id: &self.target_id,
            run: id(self.run)?,
            request: id(self.request)?,
            outcome: &self.outcome,
            fields: self.fields.0.get(),
            personal: self.personal.0.get(),
            prev_hash: unhex(self.prev)?,
        };
        Some(Read { content, hash: unhex(self.hash)? })
    }
}

/// Only the usual form, so that one line has one text.
fn canonical(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// The first record.
pub fn begin(whole: bool, at: Timestamp) -> String {
    record(&Begin { export: FORMAT.to_owned(), whole, at })
}

/// A chain begins behind `head`.
pub fn chain(instance: InstanceId, head: &Head) -> String {
    record(&Bound { chain: Some(instance), end: None, size: head.seq, hash: hex(&head.hash) })
}

/// A chain ends with `head`.
pub fn end(instance: InstanceId, head: &Head) -> String {
    record(&Bound { chain: None, end: Some(instance), size: head.seq, hash: hex(&head.hash) })
}

/// A signed head.
pub fn checkpoint(signed: &Signed) -> String {
    record(&Stated { checkpoint: signed.clone() })
}

/// What is still known of a person.
pub fn about(value: &PersonalValue) -> String {
    record(&About {
        about: value.seq,
        field: value.field.clone(),
        subject: value.subject.clone(),
        salt: hex(&value.salt),
        value: value.value.clone(),
    })
}

/// The last record.
pub fn done(chains: u64) -> String {
    record(&Done { done: chains })
}

/// A line.
pub fn line(line: &Line) -> String {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string());
    let (instance, tenant, project) =
        (line.instance.to_string(), id(line.tenant.map(|id| id.uuid())), id(line.project.map(|id| id.uuid())));
    let (run, request) = (id(line.run.map(|id| id.uuid())), id(line.request.map(|id| id.uuid())));
    let (prev, hash) = (hex(&line.prev_hash), hex(&line.entry_hash));
    // Stored text that is no JSON was put there by somebody else: it stands in quotes, and its hash does not hold.
    let raw = |text: &str| {
        RawValue::from_string(text.to_owned())
            .or_else(|_| RawValue::from_string(serde_json::Value::from(text).to_string()))
            .unwrap_or_else(|_| RawValue::NULL.to_owned())
    };
    let (fields, personal) = (raw(&line.fields), raw(&line.personal));
    record(&LineRecord {
        seq: line.seq,
        at: line.at.as_millis(),
        instance: &instance,
        tenant: tenant.as_deref(),
        project: project.as_deref(),
        actor_kind: Cow::Borrowed(&line.actor_kind),
        actor_ref: Cow::Borrowed(&line.actor_ref),
        action: Cow::Borrowed(&line.action),
        target_kind: Cow::Borrowed(&line.target_kind),
        target_id: Cow::Borrowed(&line.target_id),
        run: run.as_deref(),
        request: request.as_deref(),
        outcome: Cow::Borrowed(&line.outcome),
        fields: Text(&fields),
        personal: Text(&personal),
        prev: &prev,
        hash: &hash,
    })
}

fn record<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string(value).expect("records are structs of strings and numbers");
    text.push('\n');
    text
}
