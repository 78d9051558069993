//! The surface of a phone as lines: all gates for `postern gates`, and those that lead somewhere for the report.

use std::collections::BTreeMap;

use model::Location;
use model::finding::Power;
use model::gates::{ChannelLine, GateCount, GateLine, Gates, GuardLine, LeadLine, StepLine};
use model::report::{SCHEMA, SurfaceLine, WayLine};
use phone::Phone;
use surface::{Barrier, Gate, GateKind, Lead, Outsider, Surface, power_of};

/// All gates: those that lead farthest for the farthest outsider first, then by kind, owner and name.
pub fn gates_of(phone: &Phone, surface: &Surface) -> Gates {
    let mut gates: Vec<&Gate> = surface.gates.iter().collect();
    gates.sort_by_key(|it| rank_of(it));
    Gates {
        schema: SCHEMA,
        counts: counts_of(surface),
        gates: gates.into_iter().map(|it| line_of(phone, it)).collect(),
        bounds: surface.bounds.clone(),
        gaps: phone.gaps.len() as u64,
    }
}

/// What the report shows of it.
pub fn surface_of(phone: &Phone, surface: &Surface) -> SurfaceLine {
    let mut ways: Vec<(Power, Outsider, WayLine)> = Vec::new();
    for gate in &surface.gates {
        for lead in &gate.leads {
            let from: Vec<Outsider> = gate.open_along(lead).collect();
            let (Some(first), Some(power)) = (from.first().copied(), power_of(&lead.capability)) else { continue };
            let guards = gate.barriers.iter().chain(&lead.barriers);
            let way = WayLine {
                from: from.iter().map(|it| id_of(*it)).collect(),
                kind: gate.kind.id().to_owned(),
                gate: gate.name.clone(),
                owner: gate.owner.clone(),
                device_path: gate.device_path.clone(),
                guards: guards.map(|it| format!("{}: {}", it.kind, it.text)).collect(),
                capability: lead.capability.clone(),
                power,
                acts_as: lead.acts_as.clone(),
                told: lead.told,
                loose: lead.loose,
                path: phone.tree.path(gate.at.artifact),
                offset: gate.at.offset,
                size: gate.at.size,
            };
            ways.push((power, first, way));
        }
    }
    ways.sort_by(|a, b| {
        let rank = |it: &(Power, Outsider, WayLine)| (it.0, !it.2.told, it.2.loose, it.1, it.2.guards.len());
        let name = |it: &(Power, Outsider, WayLine)| {
            (it.2.kind.clone(), it.2.owner.clone(), it.2.gate.clone(), it.2.capability.clone())
        };
        rank(a).cmp(&rank(b)).then_with(|| name(a).cmp(&name(b)))
    });
    let mut bounds = surface.bounds.clone();
    if WAYS_MAX < ways.len() {
        bounds.push(format!("{} ways, of which {WAYS_MAX} are told", ways.len()));
        ways.truncate(WAYS_MAX);
    }
    SurfaceLine { counts: counts_of(surface), ways: ways.into_iter().map(|it| it.2).collect(), bounds }
}

/// The greatest power that the farthest outsider gets, then place.
fn rank_of(gate: &Gate) -> impl Ord + use<'_> {
    let best = gate
        .leads
        .iter()
        .filter_map(|lead| Some((power_of(&lead.capability)?, !lead.told, lead.loose, gate.open_along(lead).next()?)))
        .min();
    (best.is_none(), best, gate.open_to().next().is_none(), gate.kind, &gate.owner, &gate.name)
}

fn counts_of(surface: &Surface) -> Vec<GateCount> {
    let mut counts: BTreeMap<GateKind, (u64, u64, u64)> = BTreeMap::new();
    for gate in &surface.gates {
        let count = counts.entry(gate.kind).or_default();
        count.0 += 1;
        count.1 += u64::from(gate.open_to().next().is_some());
        count.2 += u64::from(gate.leads.iter().any(|it| gate.open_along(it).next().is_some()));
    }
    let line = |(kind, (total, open, leading)): (GateKind, _)| GateCount {
        kind: kind.id().to_owned(),
        words: kind.words().to_owned(),
        total,
        open,
        leading,
    };
    counts.into_iter().map(line).collect()
}

fn line_of(phone: &Phone, gate: &Gate) -> GateLine {
    GateLine {
        kind: gate.kind.id().to_owned(),
        name: gate.name.clone(),
        owner: gate.owner.clone(),
        device_path: gate.device_path.clone(),
        path: phone.tree.path(gate.at.artifact),
        offset: gate.at.offset,
        size: gate.at.size,
        from: gate.from.iter().map(|it| id_of(*it)).collect(),
        guards: guards_of(&gate.barriers),
        open_to: gate.open_to().map(id_of).collect(),
        channel: gate.channel.as_ref().map(|it| ChannelLine {
            urls: it.urls.clone(),
            transport: it.transport.id().to_owned(),
            verification: it.verification.clone(),
        }),
        leads: gate.leads.iter().map(|it| lead_of(phone, gate, it)).collect(),
    }
}

fn lead_of(phone: &Phone, gate: &Gate, lead: &Lead) -> LeadLine {
    let step = |layer: &str, what: &str, at: Location| StepLine {
        layer: layer.to_owned(),
        what: what.to_owned(),
        path: phone.tree.path(at.artifact),
        offset: at.offset,
        size: at.size,
    };
    LeadLine {
        capability: lead.capability.clone(),
        acts_as: lead.acts_as.clone(),
        told: lead.told,
        loose: lead.loose,
        guards: guards_of(&lead.barriers),
        open_to: gate.open_along(lead).map(id_of).collect(),
        steps: lead.steps.iter().map(|it| step(it.layer, &it.what, it.at)).collect(),
    }
}

fn guards_of(barriers: &[Barrier]) -> Vec<GuardLine> {
    barriers.iter().map(|it| GuardLine { kind: it.kind.to_owned(), text: it.text.clone() }).collect()
}

fn id_of(outsider: Outsider) -> String {
    outsider.id().to_owned()
}

/// More than anyone reads; a phone with 130 apps has some hundred.
const WAYS_MAX: usize = 2_000;
