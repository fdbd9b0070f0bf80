//! The verbs against a naive model: a map from paths to what is there.

use std::collections::BTreeMap;

use crate::bench::Bench;
use proptest::prelude::*;
use sf_files::{Cancel, Kind, Options, Page, Quota, Replace, Tree, TreePath};

#[derive(Clone, PartialEq, Eq, Debug)]
enum Thing {
    Folder,
    File(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Verb {
    Write(String, Vec<u8>),
    Make(String),
    Rename(String, String, bool),
    Copy(String, String),
    Delete(String),
}

type Model = BTreeMap<String, Thing>;

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

/// Why a name cannot be made or found at a path, by what is above it.
fn above(model: &Model, path: &str) -> Result<(), &'static str> {
    let Some(parent) = parent(path) else { return Ok(()) };
    above(model, parent)?;
    match model.get(parent) {
        Some(Thing::Folder) => Ok(()),
        Some(Thing::File(_)) => Err("file.not_a_folder"),
        None => Err("file.not_found"),
    }
}

fn below(model: &Model, path: &str) -> Vec<(String, Thing)> {
    let prefix = format!("{path}/");
    model
        .iter()
        .filter(|(at, _)| *at == path || at.starts_with(&prefix))
        .map(|(at, it)| (at.clone(), it.clone()))
        .collect()
}

fn expect(model: &mut Model, verb: &Verb) -> Result<(), &'static str> {
    match verb {
        Verb::Write(path, bytes) => {
            above(model, path)?;
            if model.get(path) == Some(&Thing::Folder) {
                return Err("file.is_a_folder");
            }
            model.insert(path.clone(), Thing::File(bytes.clone()));
        }
        Verb::Make(path) => {
            above(model, path)?;
            if model.contains_key(path) {
                return Err("file.exists");
            }
            model.insert(path.clone(), Thing::Folder);
        }
        Verb::Rename(from, to, replace) => {
            above(model, from)?;
            if from == to {
                return Ok(());
            }
            if to.starts_with(&format!("{from}/")) {
                return Err("file.inside");
            }
            above(model, to)?;
            let thing = model.get(from).cloned().ok_or("file.not_found")?;
            match model.get(to) {
                Some(Thing::Folder) if *replace => return Err("file.is_a_folder"),
                Some(Thing::File(_)) if *replace && thing == Thing::Folder => return Err("file.not_a_folder"),
                Some(_) if !*replace => return Err("file.exists"),
                _ => {}
            }
            for (path, thing) in below(model, from) {
                model.remove(&path);
                model.insert(format!("{to}{}", &path[from.len()..]), thing);
            }
        }
        Verb::Copy(from, to) => {
            above(model, to)?;
            if model.contains_key(to) {
                return Err("file.exists");
            }
            above(model, from)?;
            if !model.contains_key(from) {
                return Err("file.not_found");
            }
            for (path, thing) in below(model, from) {
                model.insert(format!("{to}{}", &path[from.len()..]), thing);
            }
        }
        Verb::Delete(path) => {
            above(model, path)?;
            if !model.contains_key(path) {
                return Err("file.not_found");
            }
            for (path, _) in below(model, path) {
                model.remove(&path);
            }
        }
    }
    Ok(())
}

fn perform(tree: &Tree, verb: &Verb) -> Result<(), &'static str> {
    let (cancel, path) = (Cancel::new(), |text: &str| text.parse::<TreePath>().unwrap());
    let done = match verb {
        Verb::Write(at, bytes) => tree.write(&path(at), &mut bytes.as_slice(), None, &cancel).map(|_| ()),
        Verb::Make(at) => tree.make_folder(&path(at), false),
        Verb::Rename(from, to, replace) => {
            let replace = if *replace { Replace::Files } else { Replace::Never };
            tree.rename(&path(from), &path(to), replace, &cancel)
        }
        Verb::Copy(from, to) => tree.copy(&path(from), &path(to), &cancel).map(|_| ()),
        Verb::Delete(at) => tree.delete(&path(at), &cancel).map(|_| ()),
    };
    done.map_err(|fault| fault.code())
}

/// What is there, by listing and reading.
fn found(tree: &Tree, top: &TreePath, into: &mut Model) {
    let mut page = Page { after: None, rows: Some(2) };
    loop {
        let listing = tree.list(top, &page, &Cancel::new()).unwrap();
        for entry in listing.entries {
            let path = top.join(entry.name.unwrap()).unwrap();
            if entry.kind == Kind::Folder {
                into.insert(path.to_string(), Thing::Folder);
                found(tree, &path, into);
            } else {
                into.insert(path.to_string(), Thing::File(tree.read(&path, 0, 1000).unwrap().bytes));
            }
        }
        let Some(next) = listing.next else { return };
        page.after = Some(next);
    }
}

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(vec!["a", "b", "ä", r"\\"]), 1..4)
        .prop_map(|names| names.join("/"))
}

/// Names that something new may have.
fn plain() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(vec!["a", "b", "ä"]), 1..4).prop_map(|names| names.join("/"))
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        4 => (plain(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(path, bytes)| Verb::Write(path, bytes)),
        4 => plain().prop_map(Verb::Make),
        3 => (path(), plain(), any::<bool>()).prop_map(|(from, to, replace)| Verb::Rename(from, to, replace)),
        3 => (path(), plain()).prop_map(|(from, to)| Verb::Copy(from, to)),
        2 => path().prop_map(Verb::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn verbs_do_what_a_map_does(verbs in proptest::collection::vec(verb(), 1..40)) {
        let bench = Bench::new(Options { quota: Quota::new(Some(1 << 30), 0), ..Options::default() });
        let (tree, mut model) = (bench.tree(), Model::new());
        for verb in &verbs {
            prop_assert_eq!(perform(&tree, verb), expect(&mut model, verb), "{:?}", verb);
        }
        let mut there = Model::new();
        found(&tree, &TreePath::root(), &mut there);
        prop_assert_eq!(&there, &model);
        // What was taken from the quota is what is there: a block for each, since all are small.
        let mut count = tree.count(&TreePath::root()).unwrap();
        while count.step(100, &Cancel::new()).unwrap() {}
        prop_assert_eq!(count.usage().entries, model.len() as u64);
        prop_assert_eq!(tree.quota().used(), 4096 * model.len() as u64);
        bench.is_untouched();
        bench.is_clean();
    }
}
