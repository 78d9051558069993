//! The surface of a phone: where something from outside can come in, what guards it, and where it leads, across all layers.
//!
//! [`Surface::of`] joins what manifests, code, init, scripts, policies and native programs say. A [`Gate`] is a place where
//! someone can come in; its barriers say who gets through, its leads which capability is behind it, with every step.

mod apps;
mod commands;
mod contexts;
mod gate;
mod guard;
mod offers;
mod power;
mod reactions;
mod system;

use model::fact::app::Component;
use phone::{InstalledApp, Phone};

pub use commands::Commands;
pub use contexts::{Contexts, Says};
pub use gate::{Channel, Gate, GateKind, Lead, LeadStep, Outsider, Transport};
pub use guard::{Barrier, Guard, guard_of};
pub use power::{is_sent_by_the_system, power_of};
pub use reactions::Reactions;
pub use system::writers_of;

/// Everything that an outsider can reach, with what guards it.
pub struct Surface<'a> {
    /// Exported components of effective, enabled apps, in the order of packages and manifests.
    pub entry_points: Vec<EntryPoint<'a>>,
    /// All gates, in the order of kinds, owners and names.
    pub gates: Vec<Gate>,
    /// Labels and policy.
    pub contexts: Contexts<'a>,
    /// Commands that code runs.
    pub commands: Commands<'a>,
    /// Bounds that were reached: what lies behind them is missing.
    pub bounds: Vec<String>,
}

/// An exported component.
pub struct EntryPoint<'a> {
    /// The app that it belongs to.
    pub app: &'a InstalledApp,
    /// The component.
    pub component: &'a Component,
    /// What stands before it. For a provider the weaker of its two sides.
    pub guard: Guard,
}

impl<'a> Surface<'a> {
    /// Joins all that is known of the phone.
    pub fn of(phone: &'a Phone) -> Surface<'a> {
        let entry_points: Vec<EntryPoint> = phone
            .apps
            .effective()
            .filter(|it| it.app.enabled)
            .flat_map(|app| app.app.components.iter().map(move |component| (app, component)))
            .filter(|(app, component)| component.enabled && component.is_exported(app.app.effective_target_sdk()))
            .map(|(app, component)| EntryPoint { app, component, guard: guard::guard_of(phone, component) })
            .collect();
        let (contexts, reactions, commands) = (Contexts::of(phone), Reactions::of(phone), Commands::of(phone));
        let mut gates = apps::gates(phone, &entry_points, &reactions, &commands);
        gates.extend(system::gates(phone, &contexts, &reactions));
        offers::gates(phone, &contexts, &mut gates);
        gates.sort_by(|a, b| (a.kind, &a.owner, &a.name, a.at).cmp(&(b.kind, &b.owner, &b.name, b.at)));
        gates.dedup_by(|a, b| (a.kind, &a.owner, &a.name, a.at) == (b.kind, &b.owner, &b.name, b.at));
        let mut bounds = Vec::new();
        if GATES_MAX < gates.len() {
            bounds.push(format!("{} gates, of which {GATES_MAX} are told", gates.len()));
            gates.truncate(GATES_MAX);
        }
        if reactions.is_cut() {
            bounds.push(
                "what properties and services lead to was followed up to a bound: ways may be missing".to_owned(),
            );
        }
        Surface { entry_points, gates, contexts, commands, bounds }
    }
}

/// The phones that were measured have under 5,000; a phone with 400 apps some more.
const GATES_MAX: usize = 50_000;
