//! What is set, and what stays: by tables, in real files, and at random.

#[cfg(test)]
mod eggs;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tables;
