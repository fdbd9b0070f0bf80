//! The verbs where others do their worst: one program, so that it is linked once.

#[cfg(test)]
mod archives;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod cancelled;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod model;
#[cfg(test)]
mod races;
