//! Searching: by name, and in files by text. Bounded in what is looked at and in what is answered.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use memchr::memmem;
use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::denied::Glob;
use crate::path::escaped;
use crate::resolve::file_in;
use crate::walk::{Met, Then, Visit, Walk};
use crate::{Cancel, FileFault, Kind, Tree, TreePath};

/// Which names are looked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameSearch {
    /// A name, with `*`, `?` and `[a-z]`; without any of them, a part of a name.
    pub pattern: String,
    /// Whether upper and lower case differ.
    #[serde(default)]
    pub case: bool,
    /// Answers at the most; never more than [`Match::MAX`].
    pub most: u16,
}

/// Which text is looked for in files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextSearch {
    /// The text, or a regular expression of the linear-time dialect; within one line.
    pub text: String,
    /// Whether it is a regular expression.
    #[serde(default)]
    pub regex: bool,
    /// Whether upper and lower case differ (of ASCII letters).
    #[serde(default)]
    pub case: bool,
    /// Only in files of this name, as in [`NameSearch::pattern`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// Answers at the most; never more than [`Match::MAX`].
    pub most: u16,
}

/// One answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// Where.
    pub path: TreePath,
    /// What it is.
    pub kind: Kind,
    /// Line it is in, from 1; 0 for a name.
    pub line: u64,
    /// That line or its part around what was found, escaped; empty for a name.
    pub excerpt: String,
}

impl Match {
    /// Answers at the most.
    pub const MAX: u16 = 1000;
    /// Bytes of a line that are shown.
    pub const EXCERPT_MAX: usize = 240;
}

/// Why a search ended before everything was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stopped {
    /// There are more answers than were asked for.
    Answers,
    /// The time was up.
    Time,
    /// There are too many entries.
    Entries,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Found {
    /// As they were met.
    pub matches: Vec<Match>,
    /// Whether and why there may be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// Files that were not looked into: binary, too large, or not to be opened.
    pub skipped: u64,
}

enum Needle {
    Text(Box<memmem::Finder<'static>>),
    Regex(Regex),
}

/// Bytes of a file that are looked through.
const FILE_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of a line that are looked through at once; a longer one is taken for several.
const LINE_MAX: u64 = 64 * 1024;
/// Bytes at the beginning of a file in which a NUL makes it binary.
const TOLD_BY: usize = 8 * 1024;

impl Tree {
    /// Entries that one search looks at.
    pub const SEARCHED_MAX: u64 = 2_000_000;

    /// Entries below a folder whose name fits. Denied ones are found, too: a list shows them as well.
    ///
    /// # Errors
    /// [`FileFault`]; when the time is up, what was found until then is the answer.
    pub fn find_names(&self, top: &TreePath, search: &NameSearch, cancel: &Cancel) -> Result<Found, FileFault> {
        let glob = name_glob(&search.pattern, search.case)?;
        self.search(top, search.most, cancel, &mut |met, found| {
            if glob.fits(met.name.to_bytes()) {
                found.matches.push(Match {
                    path: TreePath::from_bytes(met.path)?,
                    kind: met.facts.kind,
                    line: 0,
                    excerpt: String::new(),
                });
            }
            Ok(())
        })
    }

    /// Lines of text files below a folder in which a text is. Binary and denied files are not looked into.
    ///
    /// # Errors
    /// As [`Tree::find_names`]
    pub fn find_text(&self, top: &TreePath, search: &TextSearch, cancel: &Cancel) -> Result<Found, FileFault> {
        let needle = needle(search)?;
        let names = search.names.as_deref().map(|pattern| name_glob(pattern, false)).transpose()?;
        let most = usize::from(search.most.min(Match::MAX));
        self.search(top, search.most, cancel, &mut |met, found| {
            let wanted = names.as_ref().is_none_or(|glob| glob.fits(met.name.to_bytes()));
            if met.facts.kind != Kind::File || !wanted {
                return Ok(());
            }
            if met.facts.bytes > FILE_MAX || self.options.denied.denies(met.path) {
                found.skipped += 1;
                return Ok(());
            }
            match file_in(met.parent, met.name.to_bytes(), met.path) {
                Ok((file, _)) => look(file, met, &needle, most, found, cancel),
                Err(_) => {
                    found.skipped += 1;
                    Ok(())
                }
            }
        })
    }

    fn search(
        &self,
        top: &TreePath,
        most: u16,
        cancel: &Cancel,
        look: &mut dyn FnMut(&Met<'_>, &mut Found) -> Result<(), FileFault>,
    ) -> Result<Found, FileFault> {
        let most = usize::from(most.min(Match::MAX));
        let mut walk = Walk::new(self.folder(top.names())?, &top.to_bytes())?;
        let (mut found, mut seen) = (Found::default(), 0);
        loop {
            seen += 1;
            let step = cancel.check().and_then(|()| {
                walk.step(&mut |visit| {
                    if let Visit::Entry(met) = visit {
                        look(&met, &mut found)?;
                    }
                    Ok(Then::Enter)
                })
            });
            let stopped = match step {
                Err(FileFault::TimeUp) => Some(Stopped::Time),
                Err(fault) => return Err(fault),
                Ok(true) if found.matches.len() > most => Some(Stopped::Answers),
                Ok(true) if seen >= Self::SEARCHED_MAX => Some(Stopped::Entries),
                Ok(true) => continue,
                Ok(false) => (found.matches.len() > most).then_some(Stopped::Answers),
            };
            found.matches.truncate(most);
            found.stopped = stopped;
            found.skipped += walk.missed;
            return Ok(found);
        }
    }
}

fn name_glob(pattern: &str, case: bool) -> Result<Glob, FileFault> {
    let bad = |why: &str| Err(FileFault::Pattern { why: why.to_owned() });
    if pattern.is_empty() || pattern.len() > crate::Name::MAX {
        return bad("it is empty or longer than a name can be");
    }
    if pattern.contains('/') {
        return bad("a name has no `/`; choose the folder to search in");
    }
    let part = !pattern.contains(['*', '?', '[']);
    let pattern = if part { format!("*{pattern}*") } else { pattern.to_owned() };
    Ok(Glob::new(&pattern, !case))
}

fn needle(search: &TextSearch) -> Result<Needle, FileFault> {
    /// Bytes of a text or regular expression.
    const MAX: usize = 512;
    /// Bytes that a compiled one may take.
    const COMPILED_MAX: usize = 1024 * 1024;
    if search.text.is_empty() || search.text.len() > MAX || search.text.contains('\n') {
        return Err(FileFault::Pattern { why: format!("it is empty, longer than {MAX} bytes, or of several lines") });
    }
    if !search.regex && search.case {
        return Ok(Needle::Text(Box::new(memmem::Finder::new(search.text.as_bytes()).into_owned())));
    }
    let pattern = if search.regex { search.text.clone() } else { regex_lite::escape(&search.text) };
    let built = RegexBuilder::new(&pattern).case_insensitive(!search.case).size_limit(COMPILED_MAX).build();
    built.map(Needle::Regex).map_err(|error| FileFault::Pattern { why: error.to_string() })
}

impl Needle {
    /// Where in a line it is.
    fn at(&self, line: &[u8]) -> Option<usize> {
        match self {
            Self::Text(finder) => finder.find(line),
            // Where bytes are no text its place is only about right, which is enough for an excerpt.
            Self::Regex(regex) => regex.find(&String::from_utf8_lossy(line)).map(|found| found.start().min(line.len())),
        }
    }
}

fn look(
    file: File,
    met: &Met<'_>,
    needle: &Needle,
    most: usize,
    found: &mut Found,
    cancel: &Cancel,
) -> Result<(), FileFault> {
    let mut reader = BufReader::with_capacity(TOLD_BY, file.take(FILE_MAX));
    match reader.fill_buf() {
        Ok(start) if !start.contains(&0) => {}
        _ => {
            found.skipped += 1;
            return Ok(());
        }
    }
    let (mut line, mut number, mut begun) = (Vec::new(), 1, false);
    loop {
        cancel.check()?;
        line.clear();
        match reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // It was cut or cannot be read any more: what was found in it stands.
            Err(_) => {
                found.skipped += 1;
                return Ok(());
            }
        }
        let ends = line.last() == Some(&b'\n');
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        // One answer a line, also of one that is read in parts.
        if let Some(at) = needle.at(text).filter(|_| !begun) {
            let path = TreePath::from_bytes(met.path)?;
            found.matches.push(Match { path, kind: Kind::File, line: number, excerpt: excerpt(text, at) });
            if found.matches.len() > most {
                return Ok(());
            }
            begun = true;
        }
        if ends {
            number += 1;
            begun = false;
        }
    }
}

fn excerpt(line: &[u8], at: usize) -> String {
    /// Bytes before what was found.
    const BEFORE: usize = 40;
    let mut start = if line.len() <= Match::EXCERPT_MAX { 0 } else { at.saturating_sub(BEFORE) };
    let is_inner = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    // Not in the middle of a letter.
    while line.get(start).is_some_and(is_inner) && start > 0 {
        start -= 1;
    }
    let mut end = (start + Match::EXCERPT_MAX).min(line.len());
    while line.get(end).is_some_and(is_inner) && end > start {
        end -= 1;
    }
    escaped(&line[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    fn bench() -> Bench {
        let bench = Bench::with(|options| options.denied = crate::Denied::parse(&["*.key"]));
        bench.put("server.properties", "motd=Hallo\r\nServer-Port=25565\n");
        bench.put("plugins/Shop/config.yml", "port: 25565\nport: 25566\n");
        bench.put("world/level.dat", b"port\0port".as_slice());
        bench.put("a.key", "port");
        std::fs::write(bench.outside("port"), "port").unwrap();
        std::os::unix::fs::symlink(bench.outside(""), bench.path("out")).unwrap();
        bench.fifo("port.fifo");
        bench
    }

    #[test]
    fn names_are_found_by_part_and_pattern() {
        let bench = bench();
        let find = |pattern: &str, case| {
            let search = NameSearch { pattern: pattern.to_owned(), case, most: 10 };
            let found = bench.tree().find_names(&TreePath::root(), &search, &Cancel::new()).unwrap();
            let mut paths: Vec<_> = found.matches.iter().map(|found| found.path.to_string()).collect();
            paths.sort();
            paths.join(" ")
        };
        assert_eq!(find("SHOP", false), "plugins/Shop");
        assert_eq!(find("SHOP", true), "");
        assert_eq!(find("*.yml", true), "plugins/Shop/config.yml");
        assert_eq!(find("port", true), "port.fifo");
        assert_eq!(find("out", true), "out");
    }

    #[test]
    fn text_is_found_in_text_files_alone() {
        let bench = bench();
        let find = |text: &str, regex, case, most| {
            let search = TextSearch { text: text.to_owned(), regex, case, names: None, most };
            let mut found = bench.tree().find_text(&TreePath::root(), &search, &Cancel::new()).unwrap();
            found.matches.sort_by_key(|found| (found.path.clone(), found.line));
            let lines = found.matches.iter().map(|found| format!("{}:{}:{}", found.path, found.line, found.excerpt));
            (lines.collect::<Vec<_>>().join(" "), found.stopped, found.skipped)
        };
        let yaml = "plugins/Shop/config.yml:1:port: 25565 plugins/Shop/config.yml:2:port: 25566";
        assert_eq!(find("port", false, true, 10), (yaml.to_owned(), None, 2));
        assert_eq!(find("PORT", false, false, 10).0, format!("{yaml} server.properties:2:Server-Port=25565"));
        assert_eq!(
            find(r"=\w+$", true, true, 10).0,
            "server.properties:1:motd=Hallo server.properties:2:Server-Port=25565"
        );
        assert_eq!(find("port", false, true, 1).1, Some(Stopped::Answers));
        assert_eq!(find(".", false, true, 10).0, "");
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused() {
        let bench = bench();
        let long = "x".repeat(513);
        for text in ["", "a\nb", &long, "(", "(?:a{1000}){1000}"] {
            let search = TextSearch { text: text.to_owned(), regex: true, case: true, names: None, most: 1 };
            let fault = bench.tree().find_text(&TreePath::root(), &search, &Cancel::new()).unwrap_err();
            assert_eq!(fault.code(), "file.pattern");
        }
        let search = NameSearch { pattern: "a/b".to_owned(), case: true, most: 1 };
        assert!(bench.tree().find_names(&TreePath::root(), &search, &Cancel::new()).is_err());
    }

    #[test]
    fn long_lines_are_shown_in_part() {
        let line = format!("{}needle{}", "ä".repeat(300), "x".repeat(300));
        let shown = excerpt(line.as_bytes(), 600);
        assert!(shown.contains("needle") && shown.len() <= Match::EXCERPT_MAX + 8 && !shown.contains('\\'), "{shown}");
        assert_eq!(excerpt(b"a\x1b[2Jb", 0), r"a\x1b[2Jb");
    }
}
