//! How the process gives memory back to the system.

/// Blocks from this size on are mapped on their own and unmapped when freed: 512 KiB.
const MAP_FROM_BYTES: i32 = 512 * 1024;
/// Free memory at the top of the heap above this is given back: 256 KiB.
const KEEP_FREE_BYTES: i32 = 256 * 1024;
/// Heaps that threads share.
const HEAPS: i32 = 2;

/// Keeps a resident program small after a peak. glibc otherwise raises its mapping threshold with the first large
/// block freed (a password hash takes 19 MiB) and keeps such blocks ever after. Call it once, first in `main`.
/// Source: mallopt(3).
pub fn stay_small() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (option, value) in [
        (libc::M_MMAP_THRESHOLD, MAP_FROM_BYTES),
        (libc::M_TRIM_THRESHOLD, KEEP_FREE_BYTES),
        (libc::M_ARENA_MAX, HEAPS),
    ] {
        // SAFETY: mallopt only sets parameters of the allocator; it is documented to be callable at any time.
        unsafe { libc::mallopt(option, value) };
    }
}
