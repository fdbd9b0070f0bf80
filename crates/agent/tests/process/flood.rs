//! Floods, and what a shim takes.

use super::*;

/// Waits for what was lost to be told. `false` where nothing was: a machine so busy that an app cannot write faster than
/// is kept has no floods, and nothing to show here.
async fn flooded(process: &Process) -> bool {
    let first = first_line(process, &["were not kept", "done"]).await;
    if first.text == "done" && within(process.refresh()).await.unwrap().log.lost == 0 {
        eprintln!("SKIPPED: this machine is too slow for a flood");
        return false;
    }
    if first.text == "done" {
        line(process, "were not kept").await;
    }
    true
}

/// KiB that a shim may have for itself alone, also in a flood. 2 MiB is the promise. An unoptimised program has 2.3 MiB before it
/// does anything, nearly all of it pages of the program that its start has written to (measured: 2,324 KiB, and the
/// optimised one's 0.2 MiB), so it is held to twice the promise: what grows with an output is found there, too.
const OWN_KIB: u64 = if cfg!(debug_assertions) { 4 * 1024 } else { 2 * 1024 };

/// Memory of a process that is its own alone, KiB.
fn own_kib(pid: i32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let own = told.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    own.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_flood_costs_neither_memory_nor_disk_and_is_counted() {
    let world = World::new();
    // Long lines: an unoptimised shim that gets a tenth of a core takes short ones slower than it may keep them.
    let script = "line=$(head -c 8000 /dev/zero | tr '\\0' 'x'); yes $line | head -n 8000; echo done; sleep 1000";
    let spec = world.script(script);
    let process = world.supervisor.start(&spec).await.unwrap();
    if !flooded(&process).await {
        return within(process.stop(None)).await.map(drop).unwrap();
    }
    let status = within(process.refresh()).await.unwrap();
    assert!(status.log.lost > 0);
    let size: u64 =
        std::fs::read_dir(process.log_dir()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(size <= spec.log.segment_bytes * u64::from(spec.log.segments), "{size}");
    // Beside one that has nothing to do: what an unoptimised program takes by itself says nothing of a flood.
    let quiet = world.supervisor.start(&world.script("exec sleep 1000")).await.unwrap();
    let (own, usual) = (own_kib(status.shim.pid), own_kib(quiet.status().shim.pid));
    assert!(own < usual + 512, "{own} KiB, {usual} without a flood");
    assert!(own < OWN_KIB && usual < OWN_KIB, "{own} KiB, {usual} without a flood, {OWN_KIB} are promised");
    within(quiet.stop(None)).await.unwrap();
    within(process.stop(None)).await.unwrap();
}

#[tokio::test]
async fn a_flood_that_ends_in_silence_is_told_of_at_once() {
    let world = World::new();
    // More than comes in at once, and over before the first hole can end.
    let script = "line=$(head -c 16000 /dev/zero | tr '\\0' 'x'); yes $line | head -n 800; echo done; sleep 1000";
    let process = world.supervisor.start(&world.script(script)).await.unwrap();
    let begun = std::time::Instant::now();
    if !flooded(&process).await {
        return within(process.stop(None)).await.map(drop).unwrap();
    }
    // Nothing else would wake the shim for a minute.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    within(process.stop(None)).await.unwrap();
}
