//! Program to flows: what the engine finds in small programs, and where it must stay silent.

mod arrays;
mod collections;
mod fields;
mod support;
mod told;
