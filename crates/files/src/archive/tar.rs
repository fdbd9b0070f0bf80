//! Tar (POSIX.1-2001 pax, ustar, and GNU's long names): <https://www.gnu.org/software/tar/manual/html_node/Standard.html>.

mod head;
mod read;
mod write;

pub(super) use head::is_head;
pub(super) use read::unpack;
pub(super) use write::TarWriter;

/// Everything in an archive is a multiple of this.
const BLOCK: usize = 512;
