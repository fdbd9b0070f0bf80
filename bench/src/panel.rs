//! The panel: a console that floods twenty people who watch it, a list of very many servers, a folder of very many files, and a
//! thousand servers that a new agent finds again. All but the list with the programs as they are released, on a node that they
//! run on.

mod console;
mod crowd;
mod desk;
mod folder;
mod list;

use std::path::Path;

use anyhow::Result;

use self::desk::Desk;
use crate::house::House;

/// Measures with these programs; `part` names one of `list`, `console`, `folder`, `crowd`.
pub async fn measure(program: &Path, agent: &Path, part: Option<&str>) -> Result<()> {
    let wanted = |name: &str| part.is_none_or(|part| part == name);
    if wanted("list") {
        list::measure().await?;
    }
    if !["console", "folder", "crowd"].into_iter().any(wanted) {
        return Ok(());
    }
    let house = House::start(program, agent).await?;
    let desk = Desk::open(&house).await?;
    if wanted("console") {
        console::measure(&house, &desk).await?;
    }
    if wanted("folder") {
        folder::measure(&house, &desk).await?;
    }
    if wanted("crowd") {
        crowd::measure(&house, &desk).await?;
    }
    Ok(())
}
