//! How values travel through the code of an app, and what its components lead to.

use serde::{Deserialize, Serialize};

use super::Location;

/// A value that travels from a source to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Name of the app's package.
    pub package: String,
    /// The rule that tells of this pair.
    pub rule: String,
    /// Kind of the source (`network-input`).
    pub source: String,
    /// Kind of the sink (`execute-command`).
    pub sink: String,
    /// For what enters by an exported component: its class.
    pub component: Option<String>,
    /// The way.
    pub way: Way,
    /// Whether it lies wholly in code that apps carry along and did not write.
    pub bundled: bool,
    /// The constant that the value is compared with, as code would write it, where the outcome decides about the sink and
    /// the value does not arrive there.
    pub secret: Option<String>,
    /// The package of the app that the sink is in, where the value goes over to another app.
    pub into: Option<String>,
}

/// A capability that an app's component leads to, whatever it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Name of the app's package.
    pub package: String,
    /// The component's class.
    pub component: String,
    /// Kind of the sink.
    pub sink: String,
    /// The way, from the method that the framework calls.
    pub way: Way,
    /// Whether the sink lies in code that apps carry along and did not write.
    pub bundled: bool,
}

/// A way through methods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// In order.
    pub steps: Vec<Step>,
    /// Checks in the methods on the way; that they guard what follows is not shown.
    pub checks: Vec<Check>,
    /// Addresses that the classes on the way name.
    pub hosts: Vec<String>,
    /// Whether the value lies in places that code far apart shares (static fields, preferences): then it is not shown that
    /// it is read after it was written.
    pub indirect: bool,
    /// Whether those places are stores with a name (preferences, messages), and none of them a static field or an object
    /// that the whole app shares.
    pub stored: bool,
}

/// A place on a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The instruction; none where the value lies in a place that code shares.
    pub at: Option<Location>,
    /// Class, in Java notation.
    pub class: String,
    /// Method with its descriptor.
    pub method: String,
    /// What happens there.
    pub what: String,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its kind (`caller-check`, `verification`).
    pub kind: String,
    /// The method that is called.
    pub what: String,
    /// The method on the way that calls it, or calls what does.
    pub method: String,
}

impl Way {
    /// Whether a check of a kind lies on the way.
    pub fn has_check(&self, kind: &str) -> bool {
        self.checks.iter().any(|it| it.kind == kind)
    }
}

/// How much of the code of an app or library was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// The folder of an app whose manifest could not be read: what it is called where the package should be named.
    pub folder: Option<String>,
    /// Methods with code.
    pub n_methods: u64,
    /// Those that were run on abstract values.
    pub n_run: u64,
    /// Those of the others that call nothing that matters.
    pub n_quiet: u64,
    /// Whether no method that was come to was left out for want of work.
    pub whole: bool,
}
