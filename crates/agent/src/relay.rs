//! In the making.

/// In the making.
pub fn main(_spec: &std::path::Path) -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
