//! Cargo has to notice a dashboard that was built after the program was: new files are not among its sources.
//! This never builds the dashboard itself; `make dashboard` does.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if cfg!(debug_assertions) {
        // A debug program reads the files from disk at every request.
        return;
    }
    // Watched, it has to exist: cargo builds anew each time while a watched folder is missing. A tree that cannot be
    // written to has no dashboard to watch for, so a failure changes nothing.
    let built = Path::new("../../web/dist");
    drop(std::fs::create_dir_all(built));
    println!("cargo:rerun-if-changed={}", built.display());
}
