//! Update packages: the signature over a whole zip, and what a payload states of its data.

pub mod payload;
pub mod stated;
pub mod whole_file;
