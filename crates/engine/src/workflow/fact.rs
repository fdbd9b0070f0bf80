//! What happened in an execution, as it is recorded. Facts are never changed and never interpreted anew: what stands in
//! one was decided then, by the program of then.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sf_types::{ApprovalId, Fault, Timestamp};

use super::advance::Call;
use super::key::StepKey;

/// One thing that happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fact {
    /// It began.
    Began {
        /// With this input.
        input: Value,
        /// Started by this, where it was no person.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        trigger: Value,
        /// It has to end by then.
        deadline: Timestamp,
    },
    /// A try of a step began. Recorded before anything of it can go wrong.
    Started {
        /// Which.
        step: StepKey,
        /// The how manieth try, from 1.
        attempt: u32,
        /// What is done.
        call: Call,
        /// It has to end by then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// A person was asked.
    Asked {
        /// By which step.
        step: StepKey,
        /// The card.
        approval: ApprovalId,
        /// The question.
        message: String,
        /// Facts shown.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        show: Value,
        /// It is marked as pressing then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        escalates: Option<Timestamp>,
        /// Until when it can be decided.
        expires: Timestamp,
    },
    /// The card was marked as pressing.
    Escalated {
        /// Of which step.
        step: StepKey,
    },
    /// A step waits.
    Waits {
        /// Which.
        step: StepKey,
        /// Until then at the latest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// For an event of this name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<String>,
    },
    /// A map has its list.
    Opened {
        /// Which.
        step: StepKey,
        /// The list.
        items: Vec<Value>,
    },
    /// An item of a map ended.
    Item {
        /// Of which map.
        step: StepKey,
        /// Its place, from 0.
        item: u32,
        /// How.
        #[serde(flatten)]
        end: End,
    },
    /// A branch has taken a way.
    Chosen {
        /// Which.
        step: StepKey,
        /// The case, from 0.
        case: u32,
    },
    /// A try failed and another follows.
    Retries {
        /// Which step.
        step: StepKey,
        /// The try that failed.
        attempt: u32,
        /// Why.
        fault: Fault,
        /// When the next one begins.
        at: Timestamp,
    },
    /// A step failed for good and its `catch` begins.
    Caught {
        /// Which.
        step: StepKey,
        /// Why.
        fault: Fault,
    },
    /// A step ended.
    Ended {
        /// Which.
        step: StepKey,
        /// How.
        #[serde(flatten)]
        end: End,
    },
    /// An event was sent to it.
    Received {
        /// Its name.
        name: String,
        /// What it brings.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        data: Value,
    },
    /// A control plane took it up after another one, or itself, was gone. Counted before anything is done again.
    Recovered,
    /// Somebody wants it stopped, or its time is over: nothing begins any more, what runs is stopped.
    Cancelling {
        /// How it ends then.
        #[serde(flatten)]
        finish: Finish,
    },
    /// A step has failed for good; `onFailure` begins.
    Failing {
        /// Why.
        fault: Fault,
    },
    /// It goes on by another version of its definition.
    Moved {
        /// Which.
        version: u32,
    },
    /// It is over.
    Finished {
        /// How.
        #[serde(flatten)]
        finish: Finish,
    },
}

/// How a step ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "camelCase")]
pub enum End {
    /// Well.
    Succeeded {
        /// What came of it.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        output: Value,
    },
    /// Badly.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// Its condition did not hold.
    Skipped,
    /// It was stopped, or never begun because the whole was.
    Cancelled,
}

/// How an execution ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "finish", rename_all = "camelCase")]
pub enum Finish {
    /// Well.
    Succeeded {
        /// Its output.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        output: Value,
    },
    /// Badly.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// It was stopped.
    Cancelled,
}
