//! The audit chains inside a stream of rows.

use std::collections::BTreeMap;

use sf_types::{InstanceId, ProjectId, RequestId, RunId, TenantId, Timestamp};
use uuid::Uuid;

use super::Cell;
use crate::audit::{FirstBad, Head, Line, verify};

/// Follows the chains while rows go by, and compares how they end with what the database says.
#[derive(Debug, Default)]
pub struct Chains {
    followed: BTreeMap<Uuid, Head>,
    recorded: BTreeMap<Uuid, Head>,
    /// Where chains begin whose first lines were pruned: a checkpoint has to say the same.
    begun: BTreeMap<Uuid, Head>,
    /// What checkpoints say: signed heads are few beside lines.
    stated: BTreeMap<(Uuid, u64), [u8; 32]>,
}

impl Chains {
    /// Looks at a row; those of other tables pass by.
    ///
    /// # Errors
    /// [`FirstBad`] line.
    pub fn see(&mut self, table: &str, columns: &[String], row: &[Cell]) -> Result<(), FirstBad> {
        let fields = Fields { columns, row };
        let broken = FirstBad { seq: 0, why: "its row cannot be read" };
        match table {
            "activity_logs" => {
                let line = fields.line().ok_or(broken)?;
                let instance = line.instance.uuid();
                let before = match self.followed.get(&instance) {
                    Some(head) => *head,
                    None => self.begin(instance, &line),
                };
                self.followed.insert(instance, verify(before, [&line])?);
            }
            "audit_checkpoints" => {
                let (instance, size, hash) = fields.checkpoint().ok_or(broken)?;
                self.stated.insert((instance, size), hash);
            }
            "audit_heads" => {
                let (instance, head) = fields.head().ok_or(broken)?;
                self.recorded.insert(instance, head);
            }
            _ => {}
        }
        Ok(())
    }

    /// How the part of a chain ends that its first line continues: nothing, or what was pruned.
    fn begin(&mut self, instance: Uuid, first: &Line) -> Head {
        if first.seq <= 1 {
            return Head::default();
        }
        let head = Head { seq: first.seq - 1, hash: first.prev_hash };
        self.begun.insert(instance, head);
        head
    }

    fn is_stated(&self, instance: Uuid, head: &Head) -> bool {
        self.stated.get(&(instance, head.seq)) == Some(&head.hash)
    }

    /// How the chains end.
    ///
    /// # Errors
    /// [`FirstBad`]: a chain does not end where the database says that it does, or begins behind lines that no checkpoint
    /// vouches for.
    pub fn finish(self) -> Result<Vec<(InstanceId, Head)>, FirstBad> {
        for (instance, head) in &self.begun {
            if !self.is_stated(*instance, head) {
                return Err(FirstBad {
                    seq: 1,
                    why: "its first lines are missing, and no checkpoint vouches for that",
                });
            }
        }
        for (instance, recorded) in &self.recorded {
            let followed = match self.followed.get(instance) {
                Some(head) => *head,
                // All of it was pruned.
                None if self.is_stated(*instance, recorded) => *recorded,
                None => Head::default(),
            };
            if followed != *recorded {
                let why = "the recorded end of the chain is another one: lines are missing or were added";
                return Err(FirstBad { seq: followed.seq.min(recorded.seq) + 1, why });
            }
        }
        if let Some((_, head)) = self.followed.iter().find(|(instance, _)| !self.recorded.contains_key(*instance)) {
            return Err(FirstBad { seq: head.seq, why: "the end of its chain is not recorded" });
        }
        Ok(self.followed.into_iter().map(|(instance, head)| (InstanceId::from_uuid(instance), head)).collect())
    }
}

struct Fields<'a> {
    columns: &'a [String],
    row: &'a [Cell],
}

impl Fields<'_> {
    fn cell(&self, name: &str) -> Option<&Cell> {
        self.row.get(self.columns.iter().position(|column| column == name)?)
    }

    fn text(&self, name: &str) -> Option<String> {
        if let Cell::Text(text) = self.cell(name)? { Some(text.clone()) } else { None }
    }

    fn int(&self, name: &str) -> Option<i64> {
        if let Cell::Int(number) = self.cell(name)? { Some(*number) } else { None }
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        if let Cell::Bytes(bytes) = self.cell(name)? { Some(bytes) } else { None }
    }

    fn id(&self, name: &str) -> Option<Uuid> {
        Uuid::from_slice(self.bytes(name)?).ok()
    }

    /// Outside: it cannot be read. Inside: it is empty.
    fn maybe_id(&self, name: &str) -> Option<Option<Uuid>> {
        if *self.cell(name)? == Cell::Null { Some(None) } else { self.id(name).map(Some) }
    }

    fn head(&self) -> Option<(Uuid, Head)> {
        let head = Head { seq: self.int("seq")?.try_into().ok()?, hash: self.bytes("hash")?.try_into().ok()? };
        Some((self.id("instance_id")?, head))
    }

    fn checkpoint(&self) -> Option<(Uuid, u64, [u8; 32])> {
        let size = self.int("size")?.try_into().ok()?;
        Some((self.id("instance_id")?, size, self.bytes("hash")?.try_into().ok()?))
    }

    fn line(&self) -> Option<Line> {
        Some(Line {
            instance: InstanceId::from_uuid(self.id("instance_id")?),
            seq: self.int("seq")?.try_into().ok()?,
            tenant: self.maybe_id("tenant_id")?.map(TenantId::from_uuid),
            project: self.maybe_id("project_id")?.map(ProjectId::from_uuid),
            at: Timestamp::from_millis(self.int("at")?),
            actor_kind: self.text("actor_kind")?,
            actor_ref: self.text("actor_ref")?,
            action: self.text("action")?,
            target_kind: self.text("target_kind")?,
            target_id: self.text("target_id")?,
            run: self.maybe_id("run_id")?.map(RunId::from_uuid),
            request: self.maybe_id("request_id")?.map(RequestId::from_uuid),
            outcome: self.text("outcome")?,
            fields: self.text("fields")?,
            personal: self.text("personal")?,
            prev_hash: self.bytes("prev_hash")?.try_into().ok()?,
            entry_hash: self.bytes("entry_hash")?.try_into().ok()?,
        })
    }
}
