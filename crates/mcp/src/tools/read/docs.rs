//! The documentation of this very version, searched by words.

mod pages;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said};
use pages::PAGES;

/// Sections told.
const TOLD: usize = 4;
/// Bytes told of one.
const SECTION_BYTES: usize = 1_400;
/// What a word in a heading counts, beside one in the text.
const HEADING: usize = 6;
/// A word counts so often in one section at the most.
const OFTEN: usize = 4;
/// A guide says how; the reference is asked for less often.
const GUIDE: usize = 3;
/// Sections told of one page at the most.
const OF_ONE_PAGE: usize = 2;

/// A part of a page, under one heading.
struct Section {
    page: &'static str,
    heading: &'static str,
    body: &'static str,
    /// All of it in lower case.
    searched: String,
}

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let query = asked.input.required("query")?;
    let found: Vec<Value> = search(query)
        .into_iter()
        .map(|section| {
            let end = (0..=SECTION_BYTES.min(section.body.len())).rev().find(|at| section.body.is_char_boundary(*at));
            let text = section.body.get(..end.unwrap_or(0)).unwrap_or_default();
            json!({ "page": section.page, "heading": section.heading, "text": text })
        })
        .collect();
    let next: &[(&str, &str)] = if found.is_empty() {
        &[("search_docs", "Try other words.")]
    } else {
        &[("overview", "See what there is here.")]
    };
    Ok(asked.done(&[("sections", Value::Array(found))], next))
}

/// The sections that a query is about, the likeliest first. A rare word counts more than a common one, and a section with all
/// words more than one with few.
fn search(query: &str) -> Vec<&'static Section> {
    static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| PAGES.iter().flat_map(sections).collect());
    let query = query.to_lowercase();
    let words: Vec<&str> = query.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).collect();
    let rarity: Vec<usize> = words
        .iter()
        .map(|word| SECTIONS.len() / (1 + SECTIONS.iter().filter(|section| section.searched.contains(word)).count()))
        .collect();
    let mut ranked: Vec<(usize, &Section)> =
        SECTIONS.iter().map(|section| (score(section, &words, &rarity), section)).collect();
    ranked.retain(|(score, _)| *score > 0);
    ranked.sort_by(|(one, _), (other, _)| other.cmp(one));
    let mut told: Vec<&Section> = Vec::new();
    for (_, section) in ranked {
        if told.iter().filter(|other| other.page == section.page).count() < OF_ONE_PAGE && told.len() < TOLD {
            told.push(section);
        }
    }
    told
}

fn score(section: &Section, words: &[&str], rarity: &[usize]) -> usize {
    let heading = section.heading.to_lowercase();
    let (mut sum, mut hit) = (0, 0);
    for (word, rarity) in words.iter().zip(rarity) {
        let times = section.searched.matches(word).count().min(OFTEN);
        let titled = usize::from(heading.contains(word)) * HEADING + usize::from(section.page.contains(word)) * 2;
        if times + titled > 0 {
            hit += 1;
            sum += (times + titled) * (1 + rarity);
        }
    }
    let kind = if section.page.starts_with("guides/") { GUIDE } else { 1 };
    sum * hit * kind
}

fn sections(page: &(&'static str, &'static str)) -> Vec<Section> {
    let (page, text) = *page;
    let mut parts: Vec<(usize, &'static str)> = Vec::new();
    let (mut at, mut fenced) = (0, false);
    for line in text.split_inclusive('\n') {
        fenced ^= line.starts_with("```");
        if line.starts_with('#') && !fenced {
            parts.push((at, line.trim_start_matches('#').trim()));
        }
        at += line.len();
    }
    let ends = parts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    parts
        .iter()
        .zip(ends)
        .map(|((from, heading), to)| {
            let body = text.get(*from..to).unwrap_or_default().trim();
            Section { page, heading, body, searched: body.to_lowercase() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_among_the_first() {
        for (query, page) in [
            ("how do I add a domain with a certificate", "guides/domains.md"),
            ("change a file of the live release", "guides/patch.md"),
            ("deploy by push from github webhook", "guides/webhooks.md"),
            ("give a secret a new value", "guides/secrets.md"),
            ("preview of a branch", "guides/previews.md"),
        ] {
            let found: Vec<_> = search(query).iter().map(|section| section.page).collect();
            assert!(found.contains(&page), "{query}: {found:?}");
        }
        assert!(search("xyzzyplugh").is_empty() && search("").is_empty());
    }
}
