//! Program to flows: what the engine finds in small programs, and where it must stay silent.

mod across;
mod arrays;
mod binders;
mod callbacks;
mod calls;
mod collections;
mod control;
mod exceptions;
mod fields;
mod implicit;
mod intents;
mod java;
mod lifecycle;
mod models;
mod platform;
mod reflection;
mod statics;
mod stores;
mod streams;
mod strings;
mod support;
mod threads;
mod told;
