//! Packing: made whole in the staging folder, then shown at once.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{Mode, RenameFlags};

use super::tar::TarWriter;
use super::zip::ZipWriter;
use super::{ArchiveFormat, Compressed};
use crate::entry::Facts;
use crate::path::Name;
use crate::resolve::{facts_in, file_in};
use crate::stage::NewFile;
use crate::tree::{FILE_MODE, FOLDER};
use crate::walk::{Met, Then, Visit, Walk};
use crate::{Cancel, FileFault, Kind, Tree, TreePath};

/// A staged file as something to write to; why it did not take more is kept beside it.
pub(super) struct Sink<'a> {
    pub new: NewFile<'a>,
    pub cancel: &'a Cancel,
    pub fault: Option<FileFault>,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.new.put(bytes, self.cancel) {
            Ok(()) => Ok(bytes.len()),
            Err(fault) => {
                let said = io::Error::other(fault.to_string());
                self.fault = Some(fault);
                Err(said)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Packer<'a> {
    TarGz(TarWriter<GzEncoder<Sink<'a>>>),
    Zip(ZipWriter<'a>),
}

impl<'a> Packer<'a> {
    fn new(tree: &'a Tree, format: ArchiveFormat, cancel: &'a Cancel) -> Result<Self, FileFault> {
        let sink = || Ok::<_, FileFault>(Sink { new: tree.new_file()?, cancel, fault: None });
        Ok(match format {
            ArchiveFormat::TarGz => Self::TarGz(TarWriter::new(GzEncoder::new(sink()?, Compression::default()))),
            ArchiveFormat::Zip => Self::Zip(ZipWriter::new(sink()?, sink()?)),
        })
    }

    fn folder(&mut self, name: &[u8], facts: &Facts) -> io::Result<()> {
        match self {
            Self::TarGz(tar) => tar.folder(name, facts.mode, facts.modified.0),
            Self::Zip(zip) => zip.folder(name, facts.mode, facts.modified.0),
        }
    }

    fn file(&mut self, name: &[u8], facts: &Facts, content: &mut dyn Read) -> io::Result<()> {
        match self {
            Self::TarGz(tar) => tar.file(name, facts.mode, facts.modified.0, facts.bytes, content),
            Self::Zip(zip) => zip.file(name, facts.mode, facts.modified.0, facts.bytes, content),
        }
    }

    /// What an error of writing was about.
    fn fault(&mut self, path: &[u8], error: io::Error) -> FileFault {
        let kept = match self {
            Self::TarGz(tar) => tar.get_mut().get_mut().fault.take(),
            Self::Zip(zip) => zip.fault(),
        };
        kept.unwrap_or_else(|| FileFault::io(path, error))
    }

    fn end(&mut self) -> io::Result<()> {
        match self {
            Self::TarGz(tar) => {
                tar.end()?;
                tar.get_mut().try_finish()
            }
            Self::Zip(zip) => zip.end(),
        }
    }

    /// After [`Packer::end`].
    fn into_sink(self) -> io::Result<Sink<'a>> {
        match self {
            Self::TarGz(tar) => tar.into_inner().finish(),
            Self::Zip(zip) => Ok(zip.into_inner()),
        }
    }
}

impl Tree {
    /// Packs entries of a folder, all that is in them included, into a new archive at `to`. Links, fifos and the like are
    /// left out and counted. A file that changes meanwhile is packed as it is read.
    ///
    /// # Errors
    /// [`FileFault`]; there is no archive then.
    pub fn compress(
        &self,
        top: &TreePath,
        names: &[Name],
        to: &TreePath,
        format: ArchiveFormat,
        cancel: &Cancel,
    ) -> Result<Compressed, FileFault> {
        self.allow(top)?;
        self.allow_new(to)?;
        let (to_dir, to_name) = self.place(to, "replaced")?;
        if facts_in(&to_dir, to_name.as_bytes(), &to.to_bytes())?.is_some() {
            return Err(FileFault::Exists { path: to.to_string() });
        }
        let above = self.folder(top.names())?;
        let mut packing = Packing {
            tree: self,
            packer: Packer::new(self, format, cancel)?,
            cut: if top.is_root() { 0 } else { top.to_bytes().len() + 1 },
            done: Compressed::default(),
            cancel,
        };
        for name in names {
            let path = top.join(name.clone())?;
            self.allow(&path)?;
            let bytes = path.to_bytes();
            let missing = || FileFault::NotFound { path: path.to_string() };
            let facts = facts_in(&above, name.as_bytes(), &bytes)?.ok_or_else(missing)?;
            let c_name = std::ffi::CString::new(name.as_bytes()).map_err(|_| missing())?;
            let parent = std::os::fd::AsFd::as_fd(&above);
            let met = Met { parent, name: &c_name, path: &bytes, facts: &facts, deep: false };
            if packing.one(&met)? == Then::Enter {
                let inner = rustix::fs::openat(&above, name.as_bytes(), FOLDER, Mode::empty());
                let inner = inner.map_err(|errno| FileFault::of(&path, errno))?;
                Walk::new(inner, &bytes)?.all(cancel, &mut |visit| match visit {
                    Visit::Leave => Ok(Then::Pass),
                    Visit::Entry(met) => packing.one(&met),
                })?;
            }
        }
        let Packing { mut packer, mut done, .. } = packing;
        let to_bytes = to.to_bytes();
        packer.end().map_err(|error| packer.fault(&to_bytes, error))?;
        let mut sink = packer.into_sink().map_err(|error| FileFault::io(&to_bytes, error))?;
        sink.new.seal(None, FILE_MODE)?;
        done.archive_bytes = sink.new.facts()?.bytes;
        sink.new.place(&to_dir, to_name, RenameFlags::NOREPLACE, &to_bytes)?;
        Ok(done)
    }
}

struct Packing<'a> {
    tree: &'a Tree,
    packer: Packer<'a>,
    /// Bytes of a path that are not in the archive.
    cut: usize,
    done: Compressed,
    cancel: &'a Cancel,
}

impl Packing<'_> {
    fn one(&mut self, met: &Met<'_>) -> Result<Then, FileFault> {
        self.cancel.check()?;
        if self.tree.options.denied.denies(met.path) {
            return Err(FileFault::Denied { path: crate::path::escaped(met.path) });
        }
        let name = &met.path[self.cut..];
        let written = match met.facts.kind {
            Kind::Folder if met.deep => {
                return Err(FileFault::Depth { path: crate::path::escaped(met.path), limit: Tree::DEPTH_MAX });
            }
            Kind::Folder => self.packer.folder(name, met.facts),
            Kind::File => match file_in(met.parent, met.name.to_bytes(), met.path) {
                Ok((mut file, facts)) => {
                    self.done.bytes += facts.bytes;
                    self.packer.file(name, &facts, &mut file)
                }
                // It was a file a moment ago.
                Err(FileFault::NotFound { .. } | FileFault::Link { .. } | FileFault::Special { .. }) => {
                    return Ok(Then::Pass);
                }
                Err(other) => return Err(other),
            },
            _ => {
                self.done.skipped += 1;
                return Ok(Then::Pass);
            }
        };
        written.map_err(|error| self.packer.fault(met.path, error))?;
        self.done.entries += 1;
        Ok(if met.facts.kind == Kind::Folder { Then::Enter } else { Then::Pass })
    }
}
