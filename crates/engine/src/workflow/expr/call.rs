//! What the functions do.

use std::rc::Rc;

use serde_json::Value;

use super::error::{ExprError, Refusal};
use super::eval::{Evaluated, Evaluation, wrong};
use super::function::Function;
use super::json::{Room, json};
use super::pattern::Pattern;
use super::value::{Num, Val};

impl<'a> Evaluation<'a, '_> {
    pub(super) fn call(&mut self, function: Function, args: &[Val<'a>]) -> Evaluated<'a> {
        let name = function.signature().name;
        let text = |at: usize| -> Result<&str, ExprError> {
            args[at].text().ok_or_else(|| wrong(&format!("`{name}`"), "a string", &args[at]))
        };
        // Most of them read all of their first text.
        self.work.touch(args[0].text().map_or(0, str::len))?;
        match function {
            Function::Size => self.size(&args[0]),
            Function::Text => match &args[0] {
                value if value.text().is_some() => Ok(value.clone()),
                value => value
                    .plain()
                    .map(|text| Val::Made(text.into()))
                    .ok_or_else(|| wrong("`string`", "a string, a number or a bool", value)),
            },
            Function::Int => int(&args[0]),
            Function::Double => double(&args[0]),
            Function::ToJson => {
                let value = json(&args[0], 1, &mut Room::new(), self.work)?;
                Ok(Val::Made(value.to_string().into()))
            }
            Function::FromJson => self.parsed(text(0)?),
            Function::Contains => {
                self.work.touch(text(1)?.len())?;
                Ok(Val::Bool(text(0)?.contains(text(1)?)))
            }
            Function::StartsWith => Ok(Val::Bool(text(0)?.starts_with(text(1)?))),
            Function::EndsWith => Ok(Val::Bool(text(0)?.ends_with(text(1)?))),
            Function::Matches => {
                // Compiling costs about as much as a long text.
                self.work.spend(1_000)?;
                let (text, pattern) = (text(0)?, Pattern::new(text(1)?)?);
                self.work.spend(pattern.work(text))?;
                Ok(Val::Bool(pattern.is_match(text)))
            }
            Function::Lower => self.made(text(0)?.to_ascii_lowercase()),
            Function::Upper => self.made(text(0)?.to_ascii_uppercase()),
            Function::Trim => self.made(text(0)?.trim().to_owned()),
            Function::Split => self.split(text(0)?, text(1)?),
            Function::Join => self.join(&args[0], if args.len() > 1 { text(1)? } else { "" }),
            Function::Replace => self.replace(text(0)?, text(1)?, text(2)?),
            Function::Substring => self.substring(text(0)?, &args[1..]),
        }
    }

    fn made(&mut self, text: String) -> Evaluated<'a> {
        self.work.make(text.len())?;
        Ok(Val::Made(text.into()))
    }

    fn size(&mut self, value: &Val<'a>) -> Evaluated<'a> {
        let size = match value.text() {
            Some(text) => Some(text.chars().count()),
            None => value.elements().or(value.width()),
        };
        let size = size.ok_or_else(|| wrong("`size`", "a string, a list or an object", value))?;
        Ok(Val::Int(size as i128))
    }

    fn parsed(&mut self, text: &str) -> Evaluated<'a> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            ExprError::new(Refusal::Value, format!("The text is not JSON: {error}."), "Look at the text in the run.")
        })?;
        self.owned(value)
    }

    fn owned(&mut self, value: Value) -> Evaluated<'a> {
        self.work.spend(1)?;
        Ok(match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(value),
            Value::Number(number) => Val::of_number(&number),
            Value::String(text) => return self.made(text),
            Value::Array(items) => {
                Val::List(Rc::new(items.into_iter().map(|item| self.owned(item)).collect::<Result<_, _>>()?))
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| Ok((name, self.owned(value)?)));
                Val::Map(Rc::new(fields.collect::<Result<_, ExprError>>()?))
            }
        })
    }

    fn split(&mut self, text: &str, by: &str) -> Evaluated<'a> {
        if by.is_empty() {
            return Err(ExprError::new(Refusal::Value, "`split` needs a separator.", "Give it one, such as \",\"."));
        }
        let parts = text.split(by).map(|part| {
            self.work.touch(part.len())?;
            Ok(Val::Made(part.into()))
        });
        parts.collect::<Result<_, ExprError>>().map(|parts| Val::List(Rc::new(parts)))
    }

    fn join(&mut self, list: &Val<'a>, by: &str) -> Evaluated<'a> {
        let count = list.elements().ok_or_else(|| wrong("`join`", "a list of strings", list))?;
        let mut joined = String::new();
        for at in 0..count {
            let Some(part) = list.element(at) else { break };
            let part = part.text().ok_or_else(|| wrong("`join`", "a list of strings", &part))?;
            let by = if at == 0 { "" } else { by };
            self.work.touch(by.len() + part.len())?;
            self.work.fits(joined.len() + by.len() + part.len())?;
            joined.push_str(by);
            joined.push_str(part);
        }
        Ok(Val::Made(joined.into()))
    }

    fn replace(&mut self, text: &str, from: &str, to: &str) -> Evaluated<'a> {
        if from.is_empty() {
            return Err(ExprError::new(Refusal::Value, "`replace` needs a text to replace.", "Give it one."));
        }
        // Counted before it is made: a short text can become a very long one.
        let found = text.matches(from).count();
        let bytes = found.saturating_mul(to.len()).saturating_add(text.len() - found * from.len());
        self.work.make(bytes)?;
        Ok(Val::Made(text.replace(from, to).into()))
    }

    /// From one character to before another, both counted from 0.
    fn substring(&mut self, text: &str, ends: &[Val<'a>]) -> Evaluated<'a> {
        let size = text.chars().count();
        let end = |at: usize, otherwise: usize| -> Result<usize, ExprError> {
            let Some(value) = ends.get(at) else { return Ok(otherwise) };
            match value.number() {
                Some(Num::Int(place)) => usize::try_from(place).ok().filter(|place| *place <= size).ok_or_else(|| {
                    let message = format!("The text has {size} characters, and no place {place} to cut at.");
                    ExprError::new(Refusal::Missing, message, "Ask for the size first: size(x).")
                }),
                _ => Err(wrong("`substring`", "whole numbers", value)),
            }
        };
        let (start, stop) = (end(0, 0)?, end(1, size)?);
        if start > stop {
            let message = format!("The end {stop} lies before the start {start}.");
            return Err(ExprError::new(Refusal::Value, message, "Give the start first."));
        }
        self.made(text.chars().skip(start).take(stop - start).collect())
    }
}

fn int<'a>(value: &Val<'a>) -> Evaluated<'a> {
    // The text itself is not shown: an error goes where the value may not.
    let not = || ExprError::new(Refusal::Value, "The text is not a whole number.", "Look at the text in the run.");
    match (value.number(), value.text()) {
        (Some(Num::Int(int)), _) => Num::int(Some(int)),
        // Towards zero; a cast stops at the ends of i128, which is outside of what an int can be.
        (Some(Num::Double(double)), _) => Num::int(Some(double.trunc() as i128)),
        (_, Some(text)) => Num::int(Some(text.parse().map_err(|_| not())?)),
        _ => Err(wrong("`int`", "a number or a string", value)),
    }
}

fn double<'a>(value: &Val<'a>) -> Evaluated<'a> {
    match (value.number(), value.text()) {
        (Some(number), _) => Num::double(number.as_double()),
        (_, Some(text)) => match text.parse::<f64>() {
            Ok(double) if double.is_finite() => Ok(Val::Double(double)),
            _ => Err(ExprError::new(Refusal::Value, "The text is not a number.", "Look at the text in the run.")),
        },
        _ => Err(wrong("`double`", "a number or a string", value)),
    }
}
