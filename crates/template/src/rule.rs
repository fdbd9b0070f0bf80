//! Rules of variables: the subset of Laravel's that eggs use. What is not understood is kept and said, never passed over.

mod check;
mod pattern;
mod split;

pub use pattern::COMPILED_BYTES;
pub use split::split;

use crate::alt::Field;
use crate::text::quoted;
use pattern::Pattern;

/// One rule.
#[derive(Clone, Debug)]
enum Rule {
    Required,
    /// Says nothing about a value that is a text: `nullable`, `string`, `sometimes`, `bail`, `present`.
    Silent,
    Integer,
    Numeric,
    Boolean,
    In(Vec<String>),
    NotIn(Vec<String>),
    Size(Bound),
    Digits {
        least: u32,
        most: u32,
    },
    Matches(Pattern),
    MatchesNot(Pattern),
    Url,
    Ip {
        v4: bool,
        v6: bool,
    },
    Alpha {
        digits: bool,
        dashes: bool,
    },
    StartsWith(Vec<String>),
    EndsWith(Vec<String>),
    /// Kept; nobody knows what it asks for.
    Unknown(String),
}

/// What a size has to be: of the number where a rule says that it is one, else of the text.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Bound {
    Min(f64),
    Max(f64),
    Between(f64, f64),
    Exactly(f64),
    Above(f64),
    Below(f64),
}

/// The rules of one variable.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    doubts: Vec<Doubt>,
}

/// A rule that cannot be checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// Its index.
    pub rule: usize,
    /// Why, as a sentence.
    pub message: String,
}

/// What the rules say about a value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// What is wrong, each in plain words: `it must be at most 20 characters long`.
    pub wrong: Vec<String>,
    /// Rules that could not be checked.
    pub unchecked: Vec<String>,
}

impl Rules {
    /// Reads rules, an entry each. Total: what is not understood is in [`Rules::doubts`].
    pub fn parse(texts: &[String]) -> Self {
        let mut rules = Self::default();
        for (index, text) in texts.iter().enumerate() {
            match parse(text) {
                Ok(rule) => rules.rules.push(rule),
                Err(message) => {
                    rules.rules.push(Rule::Unknown(text.clone()));
                    rules.doubts.push(Doubt { rule: index, message });
                }
            }
        }
        rules
    }

    /// What could not be read.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// How a value is best asked for.
    pub fn field(&self) -> Field {
        let options = self.rules.iter().find_map(|rule| match rule {
            Rule::In(options) if options.len() > 1 => Some(options.clone()),
            _ => None,
        });
        match options {
            Some(options) => Field::Choice { options },
            None if self.rules.iter().any(|rule| matches!(rule, Rule::Boolean)) => Field::Switch,
            None if self.is_number() => Field::Number,
            None => Field::Text,
        }
    }

    /// Whether a value is a truth value, `1` or `0`.
    pub(crate) fn is_boolean(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Boolean))
    }

    fn is_number(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Integer | Rule::Numeric))
    }
}

/// Reads one rule.
fn parse(text: &str) -> Result<Rule, String> {
    let (name, asked) = match text.split_once(':') {
        Some((name, asked)) => (name, Some(asked)),
        None => (text, None),
    };
    let unknown = || format!("The rule {} is not known and not checked.", quoted(text));
    let listed = || asked.map(list).filter(|list| !list.is_empty()).ok_or_else(unknown);
    let number = || asked.and_then(check::number).ok_or_else(unknown);
    let rule = match name.trim().replace(['_', '-'], "").to_ascii_lowercase().as_str() {
        "required" | "filled" => Rule::Required,
        "nullable" | "present" | "string" | "sometimes" | "bail" => Rule::Silent,
        "integer" | "int" => Rule::Integer,
        "numeric" => Rule::Numeric,
        "boolean" | "bool" => Rule::Boolean,
        "in" => Rule::In(listed()?),
        "notin" => Rule::NotIn(listed()?),
        "min" | "gte" => Rule::Size(Bound::Min(number()?)),
        "max" | "lte" => Rule::Size(Bound::Max(number()?)),
        "gt" => Rule::Size(Bound::Above(number()?)),
        "lt" => Rule::Size(Bound::Below(number()?)),
        "size" => Rule::Size(Bound::Exactly(number()?)),
        "between" => {
            let (least, most) = two(asked).ok_or_else(unknown)?;
            Rule::Size(Bound::Between(least, most))
        }
        "digits" => {
            let exactly = asked.and_then(|asked| asked.trim().parse().ok()).ok_or_else(unknown)?;
            Rule::Digits { least: exactly, most: exactly }
        }
        "digitsbetween" => {
            let (least, most) = two(asked).ok_or_else(unknown)?;
            if least < 0.0 || most > 1000.0 || least.fract() != 0.0 || most.fract() != 0.0 {
                return Err(unknown());
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both were just looked at")]
            let (least, most) = (least as u32, most as u32);
            Rule::Digits { least, most }
        }
        "regex" => Rule::Matches(Pattern::parse(asked.unwrap_or_default())?),
        "notregex" => Rule::MatchesNot(Pattern::parse(asked.unwrap_or_default())?),
        "url" | "activeurl" => Rule::Url,
        "ip" => Rule::Ip { v4: true, v6: true },
        "ipv4" => Rule::Ip { v4: true, v6: false },
        "ipv6" => Rule::Ip { v4: false, v6: true },
        "alpha" => Rule::Alpha { digits: false, dashes: false },
        "alphanum" => Rule::Alpha { digits: true, dashes: false },
        "alphadash" => Rule::Alpha { digits: true, dashes: true },
        "startswith" => Rule::StartsWith(listed()?),
        "endswith" => Rule::EndsWith(listed()?),
        _ => return Err(unknown()),
    };
    Ok(rule)
}

/// `a,"b,c",d` as Laravel reads it: CSV, where a quote is written twice.
fn list(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                item.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if item.is_empty() => quoted = true,
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            c => item.push(c),
        }
    }
    items.push(item);
    items
}

fn two(asked: Option<&str>) -> Option<(f64, f64)> {
    let (least, most) = asked?.split_once(',')?;
    Some((check::number(least)?, check::number(most)?))
}

#[cfg(test)]
mod tests;
