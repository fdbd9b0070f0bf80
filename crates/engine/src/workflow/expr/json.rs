//! From a value to JSON, within the bytes and levels a result may have.

use serde_json::{Map, Value};

use super::error::{ExprError, Refusal};
use super::limit::{RESULT_BYTES, RESULT_DEPTH};
use super::value::Val;
use super::work::{Work, too_large};

/// What may still be written.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Room {
    pub(super) fn new() -> Self {
        Self(RESULT_BYTES)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<(), ExprError> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(())
    }

    fn write(&mut self, work: &mut Work, bytes: usize) -> Result<(), ExprError> {
        self.take(bytes)?;
        work.touch(bytes)
    }
}

/// Makes JSON of a value that stands at this level, the outermost being 1.
pub(super) fn json(value: &Val<'_>, level: usize, room: &mut Room, work: &mut Work) -> Result<Value, ExprError> {
    if let Some(text) = value.text() {
        room.write(work, text_bytes(text))?;
        return Ok(Value::String(text.to_owned()));
    }
    if let Some(number) = value.json_number() {
        room.write(work, number.to_string().len())?;
        return Ok(Value::Number(number));
    }
    if let Some(count) = value.elements() {
        deep(level)?;
        room.write(work, 2 + count.saturating_sub(1))?;
        let items = (0..count).filter_map(|at| value.element(at));
        return items.map(|item| json(&item, level + 1, room, work)).collect::<Result<_, _>>().map(Value::Array);
    }
    if let Some(count) = value.width() {
        deep(level)?;
        room.write(work, 2 + count.saturating_sub(1))?;
        let mut fields = Map::new();
        for name in value.names() {
            room.write(work, text_bytes(&name) + 1)?;
            let Some(field) = value.field(&name) else { continue };
            fields.insert(name.into_owned(), json(&field, level + 1, room, work)?);
        }
        return Ok(Value::Object(fields));
    }
    room.write(work, "false".len())?;
    Ok(if let Val::Bool(value) = value { Value::Bool(*value) } else { Value::Null })
}

/// Whether a list or an object may stand at this level.
pub(super) fn deep(level: usize) -> Result<(), ExprError> {
    if level <= RESULT_DEPTH {
        return Ok(());
    }
    Err(ExprError::new(
        Refusal::Limit,
        format!("The result has more than {RESULT_DEPTH} levels."),
        "Take the part that is needed.",
    ))
}

/// Bytes of a text in JSON, with its quotes and escapes.
pub(super) fn text_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..=31 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}
