//! Walking by steps answers as the kernel does.

use crate::bench::Bench;
use proptest::prelude::*;
use sf_files::{Cancel, Options, Page, Resolve, Tree, TreePath};

const NAMES: &[&str] = &["a", "b", "dir", "file", "link", "up", "out", "loop", "fifo", "none", "self"];

fn trees() -> (Bench, Tree, Tree) {
    let bench = Bench::new(Options { resolve: Some(Resolve::Kernel), ..Options::default() });
    let root = bench.root();
    for folder in ["", "a", "a/b", "dir"] {
        let at = root.join(folder);
        std::fs::create_dir_all(at.join("dir")).unwrap();
        std::fs::write(at.join("file"), "inside").unwrap();
        for (name, target) in [("link", "file"), ("up", ".."), ("loop", "loop"), ("self", ".")] {
            let _ = std::os::unix::fs::symlink(target, at.join(name));
        }
        let _ = std::os::unix::fs::symlink(bench.outside(), at.join("out"));
        let _ = rustix::fs::mknodat(
            rustix::fs::CWD,
            at.join("fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        );
    }
    let kernel = bench.tree();
    assert_eq!(kernel.resolve(), Resolve::Kernel);
    let options = Options { resolve: Some(Resolve::Steps), ..Options::default() };
    let steps = Tree::open(&root, &root.parent().unwrap().join("staging"), options).unwrap();
    (bench, kernel, steps)
}

/// What the verbs that open a path say of it.
fn answers(tree: &Tree, path: &TreePath) -> Vec<String> {
    let cancel = Cancel::new();
    vec![
        tree.stat(path)
            .map_or_else(|fault| fault.code().to_owned(), |entry| format!("{:?} {}", entry.kind, entry.bytes)),
        tree.list(path, &Page::default(), &cancel)
            .map_or_else(|fault| fault.code().to_owned(), |it| it.total.to_string()),
        tree.read(path, 0, 100).map_or_else(|fault| fault.code().to_owned(), |piece| format!("{:?}", piece.bytes)),
        tree.chmod(path, 0o755).map_or_else(|fault| fault.code().to_owned(), |()| "done".to_owned()),
        tree.make_folder(path, false).map_or_else(|fault| fault.code().to_owned(), |()| "done".to_owned()),
        tree.delete(path, &cancel).map_or_else(|fault| fault.code().to_owned(), |it| it.entries.to_string()),
    ]
}

#[test]
fn both_answer_the_same() {
    // Each path twice in the same state: the verbs change nothing that is not made anew.
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 60, ..ProptestConfig::default() });
    let paths = proptest::collection::vec(proptest::sample::select(NAMES), 0..4);
    runner
        .run(&paths, |names| {
            let path: TreePath = names.join("/").parse().unwrap();
            let (of_kernel, of_steps) = {
                let (bench, kernel, _) = trees();
                let of_kernel = answers(&kernel, &path);
                bench.is_untouched();
                let (bench, _, steps) = trees();
                let of_steps = answers(&steps, &path);
                bench.is_untouched();
                (of_kernel, of_steps)
            };
            prop_assert_eq!(of_kernel, of_steps, "{}", path);
            Ok(())
        })
        .unwrap();
}
