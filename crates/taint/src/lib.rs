//! Values from source to sink, through an app as the framework runs it.
//!
//! Each method is run once on abstract values (`interpret`); what it does is told in terms of what its caller passes
//! (`summary`), and brought into each caller (`call`). Places that code far apart shares (static fields, intents,
//! preferences) are joined at the end (`engine`).

mod across;
mod app;
mod body;
mod builtin;
mod call;
mod engine;
mod evaluate;
mod interpret;
mod platform;
mod state;
mod summary;
mod told;
mod value;

pub use across::{Entry, Sent, Target, across};
pub use app::{App, Component, Control, analyse};
pub use engine::OUT_OF_WORK;
pub use platform::Platform;
pub use told::{Analysis, Check, Flow, FlowStep, Limit, Reach};
