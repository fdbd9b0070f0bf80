//! Writing a tar archive.

use std::io::{self, Read, Write};

use super::BLOCK;

/// Bytes a name may have in a header of its own; a longer one has an entry before it (GNU tar).
const NAME_BYTES: usize = 100;

pub struct TarWriter<W> {
    to: W,
}

impl<W: Write> TarWriter<W> {
    pub const fn new(to: W) -> Self {
        Self { to }
    }

    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    pub fn folder(&mut self, name: &[u8], mode: u32, modified: i64) -> io::Result<()> {
        self.head(&[name, b"/"].concat(), b'5', mode, 0, modified)
    }

    /// Exactly `size` bytes: where the content became shorter meanwhile, zeros stand for the rest.
    pub fn file(&mut self, name: &[u8], mode: u32, modified: i64, size: u64, content: &mut dyn Read) -> io::Result<()> {
        self.head(name, b'0', mode, size, modified)?;
        let copied = io::copy(&mut content.take(size), &mut self.to)?;
        io::copy(&mut io::repeat(0).take(size - copied), &mut self.to)?;
        self.fill(size)
    }

    pub fn end(&mut self) -> io::Result<()> {
        self.to.write_all(&[0; 2 * BLOCK])
    }

    pub fn into_inner(self) -> W {
        self.to
    }

    fn head(&mut self, name: &[u8], kind: u8, mode: u32, size: u64, modified: i64) -> io::Result<()> {
        if name.len() > NAME_BYTES {
            let long = name.len() as u64 + 1;
            self.block(b"././@LongLink", b'L', 0o644, long, 0)?;
            self.to.write_all(name)?;
            self.to.write_all(&[0])?;
            self.fill(long)?;
        }
        self.block(name, kind, mode, size, modified)
    }

    /// One header, owned by root: whose the files were means nothing elsewhere.
    fn block(&mut self, name: &[u8], kind: u8, mode: u32, size: u64, modified: i64) -> io::Result<()> {
        let mut block = [0_u8; BLOCK];
        let mut set = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        set(0, &name[..name.len().min(NAME_BYTES)]);
        set(100, format!("{mode:07o}\0").as_bytes());
        set(108, b"0000000\0");
        set(116, b"0000000\0");
        if size < 1 << 33 {
            set(124, format!("{size:011o}\0").as_bytes());
        } else {
            set(124, &[0x80, 0, 0, 0]);
            set(128, &size.to_be_bytes());
        }
        let modified = modified.clamp(0, (1 << 33) - 1);
        set(136, format!("{modified:011o}\0").as_bytes());
        set(148, b"        ");
        set(156, &[kind]);
        set(257, b"ustar  \0");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.to.write_all(&block)
    }

    fn fill(&mut self, size: u64) -> io::Result<()> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        if over == 0 { Ok(()) } else { self.to.write_all(&[0; BLOCK][over..]) }
    }
}
