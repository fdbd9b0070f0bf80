//! Whether a value is what its rules ask for, and what is wrong in plain words.

use std::net::IpAddr;

use super::{Bound, Rule, Rules, Verdict};

impl Rules {
    /// Judges a value. An empty one is fine unless it is required.
    pub fn check(&self, value: &str) -> Verdict {
        let mut verdict = Verdict::default();
        let is_empty = value.trim().is_empty();
        let is_number = self.is_number();
        for rule in &self.rules {
            match rule {
                Rule::Unknown(text) => verdict.unchecked.push(text.clone()),
                Rule::Required if is_empty => verdict.wrong.push("it must be given".to_owned()),
                _ if is_empty => {}
                rule => verdict.wrong.extend(fault(rule, value, is_number)),
            }
        }
        verdict
    }
}

/// What is wrong with a value that is not empty.
fn fault(rule: &Rule, value: &str, is_number: bool) -> Option<String> {
    let unless = |good: bool, words: &str| (!good).then(|| words.to_owned());
    match rule {
        Rule::Required | Rule::Silent | Rule::Unknown(_) => None,
        Rule::Integer => unless(is_integer(value), "it must be a whole number"),
        Rule::Numeric => unless(number(value).is_some(), "it must be a number"),
        Rule::Boolean => unless(matches!(value, "0" | "1"), "it must be 1 or 0"),
        Rule::In(options) => (!options.iter().any(|option| option == value)).then(|| one_of(options)),
        Rule::NotIn(options) => {
            let taken = options.iter().any(|option| option == value);
            taken.then(|| format!("it must not be {}", listed(options)))
        }
        Rule::Size(bound) => size_fault(*bound, value, is_number),
        Rule::Digits { least, most } => {
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let good = digits && (*least as usize..=*most as usize).contains(&value.len());
            let how_many = if least == most { least.to_string() } else { format!("{least} to {most}") };
            (!good).then(|| format!("it must be a number of {how_many} digits"))
        }
        Rule::Matches(pattern) => (!pattern.is_match(value)).then(|| format!("it must match {}", pattern.source())),
        Rule::MatchesNot(pattern) => pattern.is_match(value).then(|| format!("it must not match {}", pattern.source())),
        Rule::Url => unless(is_url(value), "it must be an address such as https://example.org/file"),
        Rule::Ip { v4, v6 } => {
            let good = value.parse::<IpAddr>().is_ok_and(|ip| if ip.is_ipv4() { *v4 } else { *v6 });
            unless(
                good,
                match (v4, v6) {
                    (true, false) => "it must be an IPv4 address",
                    (false, true) => "it must be an IPv6 address",
                    _ => "it must be an IP address",
                },
            )
        }
        Rule::Alpha { digits, dashes } => {
            let is_fine = |c: char| c.is_alphabetic() || *digits && c.is_numeric() || *dashes && matches!(c, '-' | '_');
            unless(
                value.chars().all(is_fine),
                match (digits, dashes) {
                    (_, true) => "it must be of letters, digits, - and _",
                    (true, false) => "it must be of letters and digits",
                    (false, false) => "it must be of letters",
                },
            )
        }
        Rule::StartsWith(options) => {
            let good = options.iter().any(|option| value.starts_with(option.as_str()));
            (!good).then(|| format!("it must begin with {}", listed(options)))
        }
        Rule::EndsWith(options) => {
            let good = options.iter().any(|option| value.ends_with(option.as_str()));
            (!good).then(|| format!("it must end with {}", listed(options)))
        }
    }
}

fn size_fault(bound: Bound, value: &str, is_number: bool) -> Option<String> {
    let size = if is_number {
        // That it is no number is another rule's finding.
        number(value)?
    } else {
        #[expect(clippy::cast_precision_loss, reason = "a value has at most some thousand characters")]
        let length = value.chars().count() as f64;
        length
    };
    let (good, words) = match bound {
        Bound::Min(least) => (size >= least, format!("at least {least}")),
        Bound::Max(most) => (size <= most, format!("at most {most}")),
        Bound::Between(least, most) => ((least..=most).contains(&size), format!("between {least} and {most}")),
        Bound::Exactly(wanted) => ((size - wanted).abs() < f64::EPSILON, format!("exactly {wanted}")),
        Bound::Above(limit) => (size > limit, format!("more than {limit}")),
        Bound::Below(limit) => (size < limit, format!("less than {limit}")),
    };
    let unit = if is_number { "" } else { " characters long" };
    (!good).then(|| format!("it must be {words}{unit}"))
}

/// A number as PHP's `is_numeric` takes it: sign, digits, fraction, exponent; no hexadecimal, no infinity.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    let number: f64 = plain.then(|| text.parse().ok()).flatten()?;
    number.is_finite().then_some(number)
}

/// As PHP's `FILTER_VALIDATE_INT` takes it: no leading zeros, within 64 bits.
fn is_integer(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && (digits == "0" || !digits.starts_with('0')) && text.parse::<i64>().is_ok()
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    named && !host.is_empty() && !host.starts_with(':') && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn one_of(options: &[String]) -> String {
    match options {
        [only] => format!("it must be {}", crate::text::quoted(only)),
        _ => format!("it must be one of {}", listed(options)),
    }
}

/// The first few of them.
fn listed(options: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut words: Vec<_> = options.iter().take(SHOWN).map(|option| crate::text::quoted(option)).collect();
    if options.len() > SHOWN {
        words.push(format!("and {} more", options.len() - SHOWN));
    }
    words.join(", ")
}
