//! What becomes of a text, and how that differs from it. Pure.

use sf_protocol::patch::{DIFF_JSON_BYTES_MAX, Edit, FILE_BYTES_MAX};
use sf_types::{ByteSize, Fault, FilePath, FileState};
use similar::{Algorithm, ChangeTag, TextDiff};

use super::file::{fault, state_of, too_large};

/// Unchanged lines shown around a change.
const CONTEXT_LINES: usize = 3;
/// How long a good difference is looked for; a simpler one is taken then.
const DIFF_LIMIT: std::time::Duration = std::time::Duration::from_millis(500);

/// A change worked out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// What is in the file then; `None` where it is gone.
    pub text: Option<String>,
    /// How it is then.
    pub after: FileState,
    /// Lines added.
    pub added: u32,
    /// Lines taken away.
    pub removed: u32,
    /// The difference, in the unified form.
    pub diff: String,
    /// Whether some of the difference is left out.
    pub diff_cut: bool,
}

/// What `edit` makes of the file `path` with this text.
///
/// # Errors
/// `patch.range` for a range that is not in the file or cuts a character, `patch.nothing` where nothing would change or
/// nothing is there to delete, `patch.too_large`.
pub fn apply(path: &FilePath, before: Option<&str>, edit: &Edit) -> Result<Changed, Fault> {
    let text = match edit {
        Edit::Write { from, to, text } => Some(written(path, before.unwrap_or_default(), (*from, *to), text)?),
        Edit::Delete => None,
    };
    if text.as_deref() == before {
        let message = format!("{path} would be as it is.");
        return Err(fault("patch.nothing", message, "Change something in it."));
    }
    if let Some(text) = text.as_ref().filter(|text| text.len() > FILE_BYTES_MAX as usize) {
        return Err(too_large(path, ByteSize(text.len() as u64)));
    }
    if text.as_ref().is_some_and(|text| text.contains('\0')) {
        let message = format!("{path} would be no text: it would hold a NUL byte.");
        return Err(fault("patch.binary", message, "Change it in the repository, and deploy."));
    }
    let (old, new) = (before.unwrap_or_default(), text.as_deref().unwrap_or_default());
    let lines = TextDiff::configure().algorithm(Algorithm::Myers).timeout(DIFF_LIMIT).diff_lines(old, new);
    let count = |tag| lines.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    let name = |prefix: &str, there: bool| if there { format!("{prefix}/{path}") } else { "/dev/null".to_owned() };
    let mut diff = lines
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(&name("a", before.is_some()), &name("b", text.is_some()))
        .to_string();
    let fits = fitting(&diff, DIFF_JSON_BYTES_MAX);
    let diff_cut = fits < diff.len();
    if diff_cut {
        // Whole lines only.
        diff.truncate(diff[..fits].rfind('\n').map_or(0, |at| at + 1));
    }
    let number = |lines: usize| u32::try_from(lines).unwrap_or(u32::MAX);
    let after = state_of(text.as_deref());
    Ok(Changed { text, after, added: number(added), removed: number(removed), diff, diff_cut })
}

fn written(path: &FilePath, old: &str, (from, to): (u32, Option<u32>), text: &str) -> Result<String, Fault> {
    let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
    let (from, to) = (place(from), to.map_or(old.len(), place));
    match (old.get(..from), old.get(to..)) {
        (Some(head), Some(tail)) if from <= to => Ok([head, text, tail].concat()),
        _ => {
            let message = format!("Bytes {from} to {to} are no part of {path}, which has {}.", old.len());
            Err(fault("patch.range", message, "Name bytes of the file as it is, at the edges of characters."))
        }
    }
}

/// How many bytes of `text` JSON writes in `limit` bytes, at the edge of a character.
pub fn fitting(text: &str, limit: usize) -> usize {
    let mut written = 0;
    for (at, character) in text.char_indices() {
        written += match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            character if character.is_ascii_control() && character != '\u{7f}' => 6,
            character => character.len_utf8(),
        };
        if written > limit {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path() -> FilePath {
        "src/a.js".parse().unwrap()
    }

    fn write(from: u32, to: Option<u32>, text: &str) -> Edit {
        Edit::Write { from, to, text: text.to_owned() }
    }

    fn check(before: Option<&str>, edit: &Edit, expected: Result<(Option<&str>, u32, u32), &str>) {
        let changed = apply(&path(), before, edit);
        let got = changed.as_ref().map(|changed| (changed.text.as_deref(), changed.added, changed.removed));
        assert_eq!(got.map_err(|fault| fault.code.as_str()), expected, "{edit:?}");
    }

    #[test]
    fn parts_and_wholes_are_written_and_files_come_and_go() {
        check(Some("a\nb\nc\n"), &write(2, Some(3), "x\ny"), Ok((Some("a\nx\ny\nc\n"), 2, 1)));
        check(Some("a\nb\n"), &write(0, None, "c\n"), Ok((Some("c\n"), 1, 2)));
        check(None, &write(0, None, "new"), Ok((Some("new"), 1, 0)));
        check(Some("a\n"), &Edit::Delete, Ok((None, 0, 1)));
        check(Some("a\n"), &write(0, None, ""), Ok((Some(""), 0, 1)));
        check(None, &Edit::Delete, Err("patch.nothing"));
        check(Some("a"), &write(0, None, "a"), Err("patch.nothing"));
        check(Some("äb"), &write(1, None, "x"), Err("patch.range"));
        check(Some("ab"), &write(2, Some(1), "x"), Err("patch.range"));
        check(Some("ab"), &write(0, Some(3), "x"), Err("patch.range"));
        check(None, &write(1, None, "x"), Err("patch.range"));
        check(Some("a"), &write(0, None, "a\0"), Err("patch.binary"));
        check(None, &write(0, None, &"a".repeat(FILE_BYTES_MAX as usize + 1)), Err("patch.too_large"));
    }

    #[test]
    fn the_difference_is_what_people_know() {
        let changed = apply(&path(), Some("a\nb\nc\n"), &write(2, Some(3), "x")).unwrap();
        assert_eq!(changed.diff, "--- a/src/a.js\n+++ b/src/a.js\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
        let gone = apply(&path(), Some("a\n"), &Edit::Delete).unwrap();
        assert!(gone.diff.contains("+++ /dev/null"), "{}", gone.diff);
        let long: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
        let long = apply(&path(), None, &write(0, None, &long)).unwrap();
        assert!(long.diff_cut && long.diff.ends_with('\n') && long.added == 20_000);
        assert!(serde_json::to_string(&long.diff).unwrap().len() <= DIFF_JSON_BYTES_MAX + 2);
    }

    proptest! {
        #[test]
        fn what_fits_is_what_json_writes(text in "\\PC*[\u{0}-\u{1f}\"\\\\ä]*", limit in 0_usize..200) {
            let fits = fitting(&text, limit);
            prop_assert!(serde_json::to_string(&text[..fits]).unwrap().len() - 2 <= limit);
            if let Some(next) = text[fits..].chars().next() {
                let more = &text[..fits + next.len_utf8()];
                prop_assert!(serde_json::to_string(more).unwrap().len() - 2 > limit);
            }
        }
    }
}
