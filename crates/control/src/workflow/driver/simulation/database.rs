//! The database of a simulation: rows in memory that change all at once or not at all, with the rules that the tables'
//! constraints and the transactions of the control plane keep.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sf_actions::ActorKind;
use sf_engine::workflow::{Definition, Event, Fact, Finish, StepKey};
use sf_store::executions::{Blob, Entry, ExecutionRow, ExecutionState, Incoming};
use sf_store::{Json, StoreError};
use sf_types::{ApprovalId, InstanceId, ProjectId, RunId, TenantId, Timestamp, WorkflowId};
use uuid::Uuid;

use super::super::ground::Entries;
use crate::workflow::calls::Stop;
use crate::workflow::commit::{Card, LEASE, Turn};
use crate::workflow::{Begun, Context, begin, commit, journal};

/// One try of a step: what a call is known by.
pub(super) type Try = (RunId, StepKey, u32);

/// All that lasts.
#[derive(Default)]
pub(super) struct Database {
    pub(super) rows: BTreeMap<RunId, ExecutionRow>,
    pub(super) finishes: BTreeMap<RunId, Finish>,
    pub(super) cards: BTreeMap<ApprovalId, Asked>,
    pub(super) children: BTreeMap<Try, Child>,
    /// What has to be stopped, and when the lane looks after it.
    pub(super) stops: BTreeMap<Try, Timestamp>,
    pub(super) inbox: BTreeMap<u64, Incoming>,
    journals: BTreeMap<RunId, Vec<Entry>>,
    blobs: BTreeMap<RunId, Vec<Blob>>,
    engines: BTreeMap<InstanceId, (u64, Timestamp)>,
    definitions: BTreeMap<(WorkflowId, u32), Arc<Definition>>,
    arrivals: u64,
}

/// A card before people.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) run: RunId,
    pub(super) step: StepKey,
    /// Open, or how it ended; what was decided.
    pub(super) open: bool,
    pub(super) approved: Option<bool>,
}

/// What a call began: a run of its own.
#[derive(Clone, Default)]
pub(super) struct Child {
    pub(super) ended: bool,
}

impl Database {
    pub(super) fn define(&mut self, workflow: WorkflowId, version: u32, definition: Definition) {
        self.definitions.insert((workflow, version), Arc::new(definition));
    }

    pub(super) fn definition(&self, workflow: WorkflowId, version: u32) -> Arc<Definition> {
        self.definitions[&(workflow, version)].clone()
    }

    pub(super) fn register(&mut self, engine: InstanceId, now: Timestamp) -> u64 {
        let (fence, until) = self.engines.entry(engine).or_insert((0, now));
        (*fence, *until) = (*fence + 1, now.plus(LEASE));
        *fence
    }

    fn renew(&mut self, engine: InstanceId, fence: u64, now: Timestamp) -> sf_store::Result<()> {
        match self.engines.get_mut(&engine) {
            Some((held, until)) if *held == fence => {
                *until = now.plus(LEASE);
                Ok(())
            }
            _ => Err(StoreError::Stale("engine")),
        }
    }

    pub(super) fn take_over(&mut self, engine: InstanceId, fence: u64, now: Timestamp) -> sf_store::Result<()> {
        self.renew(engine, fence, now)?;
        let gone = self.engines.iter_mut().filter(|(other, (_, until))| **other != engine && *until < now);
        for (other, (fence, _)) in gone {
            let theirs = self.rows.values_mut().filter(|row| row.closed_at.is_none() && row.engine == Some(*other));
            let mut taken = 0;
            for row in theirs {
                row.engine = Some(engine);
                taken += 1;
            }
            *fence += u64::from(taken > 0);
        }
        Ok(())
    }

    pub(super) fn own(&self, engine: InstanceId) -> Vec<ExecutionRow> {
        let own = self.rows.values().filter(|row| row.closed_at.is_none() && row.engine == Some(engine));
        own.cloned().collect()
    }

    pub(super) fn incoming(&self, engine: InstanceId) -> Vec<Incoming> {
        let own = |incoming: &&Incoming| self.rows[&incoming.run].engine == Some(engine);
        self.inbox.values().filter(own).map(copy).collect()
    }

    pub(super) fn stops_of(&self, engine: InstanceId) -> Vec<Stop> {
        let of = |(run, ..): &&Try| self.rows[run].closed_at.is_some() || self.rows[run].engine == Some(engine);
        let kept = self.stops.keys().filter(of);
        kept.map(|of| Stop::of_parts(self.rows[&of.0].tenant, of.clone())).collect()
    }

    pub(super) fn find(&self, run: RunId, engine: InstanceId) -> Option<(ExecutionRow, Context)> {
        let row = self.rows.get(&run).filter(|row| row.engine == Some(engine))?;
        Some((row.clone(), context(row)))
    }

    pub(super) fn facts(&self, run: RunId) -> sf_store::Result<Entries> {
        let rows = |run| (self.journals.get(run).cloned(), self.blobs.get(run).cloned());
        let (entries, blobs) = rows(&run);
        journal::decode(entries.unwrap_or_default(), blobs.unwrap_or_default())
    }

    /// Makes a run's journal unreadable.
    pub(super) fn tear(&mut self, run: RunId) {
        if let Some(entry) = self.journals.get_mut(&run).and_then(|entries| entries.last_mut()) {
            entry.facts.truncate(entry.facts.len() / 2);
        }
    }

    /// The row of a new execution, its first facts, and what its driver is told.
    pub(super) fn begin(&mut self, mut row: ExecutionRow, input: Value, now: Timestamp) -> Begun {
        let (definition, context) = (self.definition(row.workflow, row.version), context(&row));
        let began = Fact::Began { input, trigger: Value::Null, deadline: definition.deadline(now) };
        let (begun, facts) = begin::opened(context, definition, row.version, vec![began], now).expect("it began");
        let (entry, blobs) = journal::entry(row.run, begun.seq, now, &facts);
        (row.state, row.wake_at) = commit::state(&begun.execution);
        for effect in &begun.effects {
            if let Some(card) = commit::card(&context, &begun.execution, effect, now) {
                self.keep(card);
            }
        }
        self.journals.insert(row.run, vec![entry]);
        self.blobs.insert(row.run, blobs);
        self.rows.insert(row.run, row);
        begun
    }

    /// Puts something in; answers its id. What is over takes nothing in.
    pub(super) fn put_in(&mut self, run: RunId, event: &Event, now: Timestamp) -> Uuid {
        self.arrivals += 1;
        let id = Uuid::from_u128(u128::from(self.arrivals));
        let (event, seq) = (Json(serde_json::to_value(event).expect("an event")), self.arrivals);
        if self.rows[&run].closed_at.is_none() {
            self.inbox.insert(self.arrivals, Incoming { id, run, event, created_at: now, seq });
        }
        id
    }

    /// All of it, or nothing.
    pub(super) fn commit(
        &mut self,
        (engine, fence): (InstanceId, u64),
        now: Timestamp,
        turns: &[Turn],
    ) -> sf_store::Result<()> {
        self.renew(engine, fence, now)?;
        turns.iter().try_for_each(|turn| self.fits(turn))?;
        turns.iter().for_each(|turn| self.take(engine, now, turn));
        Ok(())
    }

    /// What the tables refuse.
    fn fits(&self, turn: &Turn) -> sf_store::Result<()> {
        let run = turn.context.run;
        let last = self.journals.get(&run).and_then(|entries| entries.last()).map_or(0, |last| last.seq);
        if turn.entry.as_ref().is_some_and(|entry| entry.seq <= last) {
            return Err(StoreError::Taken("workflow_journal".into()));
        }
        let is_there = |id: &Uuid| self.inbox.values().any(|incoming| incoming.id == *id);
        if !turn.taken_in.iter().all(is_there) {
            return Err(StoreError::Stale("inbox"));
        }
        if turn.standing.is_some() && self.rows[&run].closed_at.is_some() {
            return Err(StoreError::Stale("execution"));
        }
        Ok(())
    }

    fn take(&mut self, engine: InstanceId, now: Timestamp, turn: &Turn) {
        let run = turn.context.run;
        self.journals.entry(run).or_default().extend(turn.entry.clone());
        self.blobs.entry(run).or_default().extend(turn.blobs.iter().cloned());
        turn.cards.iter().cloned().for_each(|card| self.keep(card));
        for stop in &turn.stops {
            self.stops.entry(stop.of_try()).or_insert(now.plus(Duration::from_secs(30)));
        }
        self.inbox.retain(|_, incoming| !turn.taken_in.contains(&incoming.id));
        if let Some(standing) = &turn.standing {
            let row = self.rows.get_mut(&run).expect("it was begun");
            (row.state, row.wake_at, row.version) = (standing.state, standing.wake_at, standing.version);
            (row.engine, row.poison) = (Some(engine), standing.poison);
            row.closed_at = (standing.state == ExecutionState::Done).then_some(now);
        }
        if let Some(finish) = &turn.finish {
            if turn.standing.as_ref().is_some_and(|standing| standing.poison) {
                self.cards.values_mut().filter(|card| card.run == run).for_each(|card| card.open = false);
            }
            self.inbox.retain(|_, incoming| incoming.run != run);
            let before = self.finishes.insert(run, finish.clone());
            assert!(before.is_none(), "{run} was closed twice");
        }
    }

    fn keep(&mut self, card: Card) {
        match card {
            Card::Ask(approval) => {
                let (run, step) = (approval.run.expect("its run"), approval.step.clone().expect("its step"));
                let before = self.cards.insert(approval.id, Asked { run, step, open: true, approved: None });
                assert!(before.is_none(), "card {} was put before people twice", approval.id);
            }
            Card::Withdraw { approval, .. } => {
                // One that was asked and is over within one turn was never put before people.
                if let Some(card) = self.cards.get_mut(&approval) {
                    card.open = false;
                }
            }
            Card::Escalate(approval) => assert!(self.cards.contains_key(&approval)),
        }
    }
}

fn context(row: &ExecutionRow) -> Context {
    let actor = ActorKind::System;
    let (project, workflow, keyed) = (row.project, row.workflow, row.key.is_some());
    Context { run: row.run, tenant: row.tenant, project, workflow, actor, keyed }
}

fn copy(incoming: &Incoming) -> Incoming {
    let Incoming { id, run, event, created_at, seq } = incoming;
    Incoming { id: *id, run: *run, event: Json(event.0.clone()), created_at: *created_at, seq: *seq }
}

/// An execution that has just begun.
pub(super) fn row(workflow: WorkflowId, run: RunId, engine: InstanceId, now: Timestamp) -> ExecutionRow {
    ExecutionRow {
        run,
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        project: ProjectId::from_uuid(Uuid::from_u128(2)),
        workflow,
        version: 1,
        state: ExecutionState::Running,
        engine: Some(engine),
        wake_at: None,
        key: None,
        forked_from: None,
        forked_step: None,
        trigger: None,
        steps_ended: 0,
        steps_known: 0,
        first_fault: None,
        poison: false,
        opened_at: now,
        updated_at: now,
        closed_at: None,
    }
}
