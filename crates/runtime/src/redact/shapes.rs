//! The shapes in which secrets usually come.

use super::Found;

/// Names before `=` or `:` whose value is hidden, with the shortest value that is: `token: }` is prose.
const NAMES: &[(&[u8], usize)] = &[
    (b"password", 1),
    (b"passwd", 1),
    (b"passphrase", 1),
    (b"pwd", 4),
    (b"secret", 6),
    (b"token", 8),
    (b"api_key", 6),
    (b"api-key", 6),
    (b"apikey", 6),
    (b"access_key", 6),
    (b"accesskey", 6),
    (b"private_key", 6),
    (b"privatekey", 6),
    (b"credential", 6),
];
/// Characters of an identifier that may stand between a name and its `=` (`password_file`, `tokenHash`).
const LONGEST_NAME_TAIL: usize = 24;
/// Headers whose whole value is hidden.
const HEADERS: &[&[u8]] = &[b"authorization", b"cookie", b"set-cookie", b"x-api-key"];
/// Beginnings of keys, with the fewest characters that follow.
const PREFIXES: &[(&[u8], usize)] = &[
    (b"AKIA", 16),
    (b"ASIA", 16),
    (b"ghp_", 20),
    (b"gho_", 20),
    (b"ghu_", 20),
    (b"ghs_", 20),
    (b"ghr_", 20),
    (b"github_pat_", 20),
    (b"glpat-", 16),
    (b"xoxb-", 10),
    (b"xoxp-", 10),
    (b"sk_live_", 10),
    (b"rk_live_", 10),
    (b"sk-ant-", 16),
    (b"sf_", 40),
    (b"sfr_", 40),
    (b"sfe_", 40),
    (b"sfi_", 40),
    (b"sfp_", 40),
    (b"sft_", 40),
    (b"sfd_", 40),
    (b"sfc_", 40),
    (b"sfh_", 40),
    (b"eyJ", 40),
];
/// A user name alone in a URL is hidden from this length on: `git@` is no secret, an access token is.
const SHORTEST_URL_TOKEN: usize = 12;

/// No shape stands longer before its value than this, in bytes; blanks apart.
pub(super) const LONGEST_CONTEXT_BYTES: usize = 128;

/// What begins at `at`, if it is the beginning of anything.
pub(super) fn at(line: &[u8], at: usize) -> Option<Found> {
    match line[at].to_ascii_lowercase() {
        b'p' | b'c' => header(line, at).or_else(|| named(line, at)),
        b's' => header(line, at).or_else(|| named(line, at)).or_else(|| prefixed(line, at)),
        b'a' => header(line, at).or_else(|| named(line, at)).or_else(|| prefixed(line, at)),
        b't' => named(line, at),
        b'x' => header(line, at).or_else(|| prefixed(line, at)),
        b'b' => bearer(line, at),
        b'g' | b'e' | b'r' => prefixed(line, at),
        b':' => url_credentials(line, at),
        _ => None,
    }
}

/// Where a private key block begins.
pub(super) fn key_block_start(line: &[u8], from: usize) -> Option<usize> {
    let begin = b"-----BEGIN ";
    let mut at = from;
    while let Some(start) = position(line, begin, at) {
        let title = &line[start + begin.len()..];
        let end = title.windows(5).position(|five| five == b"-----").unwrap_or(title.len());
        if title[..end].ends_with(b"PRIVATE KEY") || title[..end].ends_with(b"PRIVATE KEY BLOCK") {
            return Some(start);
        }
        at = start + begin.len();
    }
    None
}

/// Where a private key block ends: behind its last line.
pub(super) fn key_block_end(line: &[u8], from: usize) -> Option<usize> {
    let start = position(line, b"-----END ", from)?;
    Some(position(line, b"-----", start + 9).map_or(line.len(), |at| at + 5))
}

/// Whether a line may stand inside a private key block: Base64, a checksum, its last line, or nothing.
pub(super) fn in_key_block(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    line.starts_with(b"-----END ") || line.iter().all(base64)
}

fn position(line: &[u8], what: &[u8], from: usize) -> Option<usize> {
    line.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| at + from)
}

fn begins(line: &[u8], at: usize, what: &[u8]) -> bool {
    line.get(at..at + what.len()).is_some_and(|part| part.eq_ignore_ascii_case(what))
}

/// `Authorization: Basic dXNlcjpwdw==`: everything to the end of the line or of the string around it.
fn header(line: &[u8], at: usize) -> Option<Found> {
    let name = HEADERS.iter().find(|name| begins(line, at, name))?;
    let (start, quote) = assigned(line, at + name.len())?;
    let around = quote.or_else(|| Quote::read(line, at.checked_sub(1)?));
    let end = around.map_or(line.len(), |quote| quote.closing(line, start));
    (end > start).then_some(Found { context: at, value: start..end })
}

/// `DB_PASSWORD=x`, `"apiKey": "x"`, `--password x` does not: the word after it may be anything.
fn named(line: &[u8], at: usize) -> Option<Found> {
    let (name, shortest) = NAMES.iter().find(|(name, _)| begins(line, at, name))?;
    let after = at + name.len();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let tail = line[after..].iter().take(LONGEST_NAME_TAIL).take_while(|byte| is_name(byte)).count();
    let (start, quote) = assigned(line, after + tail)?;
    let end = match quote {
        Some(quote) => quote.closing(line, start),
        None => start + line[start..].iter().take_while(|byte| !ends_bare_value(**byte)).count(),
    };
    (end - start >= *shortest).then_some(Found { context: at, value: start..end })
}

/// `Bearer eyJ...`, wherever it stands.
fn bearer(line: &[u8], at: usize) -> Option<Found> {
    if !begins(line, at, b"bearer ") {
        return None;
    }
    let start = at + 7;
    let length = line[start..].iter().take_while(|byte| is_token(**byte)).count();
    (length >= 8).then_some(Found { context: at, value: start..start + length })
}

fn prefixed(line: &[u8], at: usize) -> Option<Found> {
    if at.checked_sub(1).is_some_and(|before| line[before].is_ascii_alphanumeric() || line[before] == b'_') {
        return None;
    }
    let (prefix, shortest) = PREFIXES.iter().find(|(prefix, _)| line[at..].starts_with(prefix))?;
    let length = line[at + prefix.len()..].iter().take_while(|byte| is_token(**byte)).count();
    (length >= *shortest).then_some(Found { context: at, value: at..at + prefix.len() + length })
}

/// `https://user:password@host` and `https://token@host`.
fn url_credentials(line: &[u8], at: usize) -> Option<Found> {
    if !line[at..].starts_with(b"://") {
        return None;
    }
    let start = at + 3;
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<');
    let length = line[start..].iter().position(ends).unwrap_or(line.len() - start);
    let authority = &line[start..start + length];
    let end = authority.iter().rposition(|byte| *byte == b'@')?;
    match authority[..end].iter().position(|byte| *byte == b':') {
        Some(colon) if colon + 1 < end => Some(Found { context: at, value: start + colon + 1..start + end }),
        Some(_) => None,
        None => (end >= SHORTEST_URL_TOKEN).then_some(Found { context: at, value: start..start + end }),
    }
}

/// The start of the value behind `=` or `:` and the quote it stands in.
fn assigned(line: &[u8], mut at: usize) -> Option<(usize, Option<Quote>)> {
    let skip = |at: usize, what: fn(u8) -> bool| at + line[at..].iter().take_while(|byte| what(**byte)).count();
    let is_blank = |byte| matches!(byte, b' ' | b'\t');
    // A key in quotes, perhaps of a JSON text inside a JSON string.
    at = skip(at, |byte| is_quote(byte) || byte == b'\\');
    at = skip(at, is_blank);
    if !matches!(line.get(at), Some(b'=' | b':')) {
        return None;
    }
    at = skip(at + 1, |byte| byte == b'>');
    at = skip(at, is_blank);
    at = skip(at, |byte| byte == b'\\');
    let quote = Quote::read(line, at);
    (at < line.len()).then_some((at + usize::from(quote.is_some()), quote))
}

/// A quote and the backslashes before it: 0 in plain text, 1 in a string inside a JSON string, 3 one level deeper.
#[derive(Clone, Copy)]
struct Quote {
    mark: u8,
    backslashes: usize,
}

impl Quote {
    /// The quote at `at`, if there is one.
    fn read(line: &[u8], at: usize) -> Option<Self> {
        let mark = *line.get(at).filter(|byte| is_quote(**byte))?;
        Some(Self { mark, backslashes: backslashes_before(line, at) })
    }

    /// Where the string that was opened with this quote before `from` ends. Each level of nesting doubles the
    /// backslashes of a quote that belongs to the string and adds one; a quote with fewer ends an outer string.
    fn closing(self, line: &[u8], from: usize) -> usize {
        for at in (from..line.len()).filter(|at| line[*at] == self.mark) {
            let before = backslashes_before(&line[from..], at - from);
            if before < self.backslashes || before % (2 * (self.backslashes + 1)) == self.backslashes {
                return at - before.min(self.backslashes);
            }
        }
        line.len()
    }
}

fn backslashes_before(line: &[u8], at: usize) -> usize {
    line[..at].iter().rev().take_while(|byte| **byte == b'\\').count()
}

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=')
}

const fn ends_bare_value(byte: u8) -> bool {
    byte.is_ascii_whitespace() || is_quote(byte) || byte == b'&'
}
